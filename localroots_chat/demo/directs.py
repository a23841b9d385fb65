"""What people of the demo have said to each other, two by two. Data only; talks.py says how to read it."""

from typing import Final

from localroots_chat.demo.talks import Direct, Line, days_ago, minutes_ago

MARIA_AND_TOM: Final = Direct(
    between=("maria", "tom"),
    sittings=(
        days_ago(
            38,
            "17:42",
            Line("tom", "Hello! Lena gave me your name. We have just moved into the old schoolhouse by the bridge."),
            Line("tom", "Is it true that you bring vegetable boxes round?"),
            Line("maria", "Welcome to the valley! Yes, every Thursday, until the snow gets in the way."),
            Line("maria", "A small box is for two people, a big one for four, or for two who cook."),
            Line("tom", "We are two and a half, and the half eats most."),
            Line("maria", "The big one, then. Anything nobody will touch?"),
            Line("tom", "Fennel. We have tried, honestly."),
            Line("maria", "Noted: no fennel. The first box comes this Thursday, after five."),
            Line("tom", "Lovely. Shall I leave the money under the flowerpot like in the films?"),
            Line("maria", "Ha, please do. There is a list in the barn too, whichever you prefer."),
        ),
        days_ago(
            36,
            "18:05",
            Line("tom", "The box is here. Is the orange thing a pumpkin or a helmet?"),
            Line("maria", "A Hokkaido. You can eat the skin, just scrub it."),
            Line("maria", "In quarters, olive oil, salt, 200 °C for half an hour. That is all it wants."),
            Line("tom", "Done and eaten. The half had three helpings."),
            Line("maria", "That makes my day 🎃"),
        ),
        days_ago(
            31,
            "08:20",
            Line("tom", "Good morning. We are away this week, could somebody else have our box?"),
            Line("maria", "Thanks for saying so early. Priya has been waiting for a place, I'll give it to her."),
            Line("tom", "Perfect, and she is just across the road."),
            Line("maria", "Have a good trip! Bring me back some salt if you pass the sea."),
        ),
        days_ago(
            24,
            "19:11",
            Line("tom", "Back again. Your salt is with Lena, she was closer."),
            Line("maria", "You remembered! I'm touched."),
            Line("tom", "What are these long purple carrots? They turned the whole soup violet."),
            Line("maria", "Purple Haze. Orange inside, and they behave if you roast them."),
            Line("tom", "My daughter now wants only violet soup."),
            Line("maria", "Then she gets a bunch of her own next week 🥕"),
            Line("tom", "She says thank you and asks what the goats are called."),
            Line("maria", "Alma, Frida, Esther and Bruce."),
            Line("tom", "Bruce?", answers=1),
            Line("maria", "You'd understand if you met him."),
        ),
        days_ago(
            17,
            "12:34",
            Line("tom", "A question from the kitchen: how long do the beetroots keep?"),
            Line("maria", "Twist the leaves off, don't wash them, and put them in a box of damp sand. Until March."),
            Line("tom", "And in a fridge, for people who have no sand?"),
            Line("maria", "Three weeks in a paper bag. The leaves two days, treat them like chard."),
            Line("tom", "You can eat the leaves?"),
            Line("maria", "They are the best part! Butter, garlic, a little vinegar."),
            Line("maria", "There is a good page on what to do with the green ends: https://example.org/leaf-to-root"),
            Line("tom", "I have thrown away so much good food in my life."),
            Line("maria", "The compost was grateful."),
        ),
        days_ago(
            12,
            "16:50",
            Line("maria", "Tom, a bit of a favour: we are short of hands for the potato harvest on Saturday."),
            Line("maria", "Lunch, cider, and as many potatoes as you can carry home."),
            Line("tom", "We're in, all two and a half of us. What time?"),
            Line("maria", "From eight, but nobody counts before the coffee is ready."),
            Line("tom", "Should we bring anything?", answers=1),
            Line("maria", "Boots. It has rained all week and the lower field is a pond."),
            Line("tom", "Boots it is. The small ones have ducks on them."),
        ),
        days_ago(
            9,
            "20:14",
            Line("tom", "I have found muscles that I did not know I had."),
            Line("maria", "You were wonderful. 640 kilos, and not one broken fork!"),
            Line("tom", "Aurelia slept in the car with a potato in each hand."),
            Line("maria", "She may have them for her own garden: two eyes up, a hand deep, in April."),
            Line("tom", "I'll put it in the calendar. Thank you for the day, really."),
            Line("maria", "Thank you. Bruce misses her already 🐐"),
        ),
        days_ago(
            5,
            "09:27",
            Line(
                "maria", "The yellow tomatoes are coming in all at once. I'll have a table at the market on Saturday."
            ),
            Line("tom", "The ones that taste of summer? We'll be there."),
            Line("maria", "Come before ten, Kofi has his eye on them for the canteen."),
            Line("tom", "Found you just in time, and they are half gone already. 🍅🍅🍅"),
        ),
        days_ago(
            2,
            "10:58",
            Line("tom", "Hi Maria, do you still have the yellow tomatoes from last Saturday?"),
            Line("maria", "A few crates, yes! They are at their best right now 🍅"),
            Line("tom", "Great. Could you put 3 kg aside for me?"),
            Line("maria", "Done. Pick them up on Saturday between 9 and 12, at the green barn."),
        ),
        minutes_ago(
            95,
            Line("tom", "Is the barn the one behind the cider house?"),
            Line("maria", "Exactly. Ring the bell if nobody is about, we may be out with the goats."),
        ),
    ),
)

OF_MARIA: Final = (
    Direct(
        between=("maria", "lena"),
        sittings=(
            days_ago(
                20,
                "11:03",
                Line("lena", "Maria, the tall glasses are back. Twelve of them, washed, by the door."),
                Line("maria", "You are a treasure. They go straight to Joan for the passata."),
                Line("lena", "Tell him I want one back with something in it."),
                Line("maria", "I'll tell him it's the rent."),
            ),
            days_ago(
                6,
                "15:40",
                Line("lena", "What do your hens eat at the moment? Mine (both of them) are on strike."),
                Line("maria", "It's the dark. Fewer hours of light, fewer eggs. Ours have slowed down as well."),
                Line("lena", "So nothing I did?"),
                Line("maria", "Nothing. Give them oyster shell and patience."),
                Line("lena", "Patience I have less of than oyster shell 😄"),
            ),
            minutes_ago(
                310,
                Line("lena", "Are your eggs from hens that live outside?"),
                Line("maria", "All day long. Come and meet them!"),
            ),
        ),
    ),
    Direct(
        between=("kofi", "maria"),
        sittings=(
            days_ago(
                33,
                "07:15",
                Line("kofi", "Good morning Maria, Kofi from the school canteen. Could you do 25 kg of carrots a week?"),
                Line("maria", "Good morning! Straight ones or honest ones?"),
                Line("kofi", "Honest ones. 180 children, they only see the soup."),
                Line("maria", "Then yes, gladly, and cheaper. Mondays before seven?"),
                Line("kofi", "Mondays before seven is perfect, back door."),
            ),
            days_ago(
                19,
                "13:22",
                Line("kofi", "Not a single plate came back today. What did you do to those carrots?"),
                Line("maria", "Nothing at all. The first frost did it: they make sugar against the cold."),
                Line("kofi", "I'll order more frost."),
            ),
            days_ago(
                4,
                "17:05",
                Line("kofi", 'Next week is "soups of the world". Leeks, 10 kg? And that kale with the curls?'),
                Line("maria", "Leeks yes. Kale 6 kg, I promised the rest to Noor's supper club."),
                Line("kofi", "6 will do. I'll stretch it with spinach.", answers=1),
            ),
            minutes_ago(
                34,
                Line(
                    "kofi", "Maria, quick one: can the carrots come on Tuesday this week? The floor is being painted."
                ),
                Line("kofi", "And three more crates of the yellow tomatoes, if Tom has left any 😅"),
            ),
        ),
        behind={"maria": 2},
    ),
    Direct(
        between=("joan", "maria"),
        sittings=(
            days_ago(
                27,
                "21:02",
                Line("joan", "The press is booked for the 4th. Do you want to bring your apples along?"),
                Line("maria", "Yes! About 300 kilos. Have you room in the trailer?"),
                Line("joan", "If you don't mind sitting on them."),
                Line("maria", "I have sat on worse."),
            ),
            days_ago(
                14,
                "20:48",
                Line("joan", "212 litres. I have never seen so much juice from so few trees."),
                Line("maria", "And I have never been so sticky. Same again next year?"),
                Line("joan", "Per descomptat! It means: of course."),
            ),
            days_ago(
                3,
                "08:41",
                Line("maria", "Could I borrow the rotavator on Wednesday? Mine has thrown its chain again."),
                Line("joan", "It's in the shed, the key is where it always is. Mind the left handle, it's loose."),
                Line("maria", "Thanks, neighbour. You'll have it back with a full tank."),
            ),
            minutes_ago(200, Line("joan", "The rotavator purrs. What did you put in that tank?")),
        ),
        behind={"maria": 1},
    ),
    Direct(
        between=("olek", "maria"),
        sittings=(
            days_ago(
                22,
                "06:48",
                Line("olek", "First flour from your rye: milled last night. It smells like my grandmother's kitchen."),
                Line("maria", "Oh Olek, that is the nicest thing anybody has said about that field."),
                Line("olek", "I keep two sacks for you. Баба would be proud of us."),
                Line("maria", "Will you bake with it for the harvest supper?"),
                Line("olek", "Forty loaves. The oven is already nervous."),
            ),
            minutes_ago(
                610,
                Line("olek", "Do you want the bran for the hens? Four bags, otherwise the goats of Mateo get it."),
                Line("maria", "The hens vote yes. I'll come by after the milking."),
                Line("olek", "Дякую! The door is open, mind the cat."),
            ),
        ),
    ),
)

OF_TOM: Final = (
    Direct(
        between=("joan", "tom"),
        sittings=(
            days_ago(
                29,
                "10:09",
                Line("tom", "Hello Joan, Maria says that your oil is worth a detour. Do you sell tins?"),
                Line("joan", "She is right, and yes: three litres, or five for people with friends."),
                Line("tom", "Two of three litres, please."),
                Line("joan", "They come with the next delivery. I'll write when they are here."),
            ),
            days_ago(
                15,
                "18:37",
                Line("tom", "No hurry at all, but has the oil left home yet?"),
                Line("joan", "It is resting. Oil is like people, it needs a while after the journey."),
                Line("tom", "I'll let it sleep, then."),
            ),
            minutes_ago(
                880,
                Line("joan", "Your olive oil has arrived. Two tins, as you asked."),
                Line("tom", "Wonderful, thank you. I'll come by on Thursday."),
            ),
            minutes_ago(40, Line("joan", "One of the tins has a small dent, the oil is fine. I took 2 € off.")),
        ),
        behind={"tom": 1},
    ),
    Direct(
        between=("tom", "noor"),
        sittings=(
            days_ago(
                11,
                "14:26",
                Line("noor", "Hi Tom! You said you have a big pot. How big is big?"),
                Line("tom", "It came from the army. 40 litres, and it has a lid that doubles as a gong."),
                Line("noor", "May the supper club borrow it for the last Friday of the month?"),
                Line("tom", "With pleasure, if I get a bowl of what was in it."),
                Line("noor", "You get two, and you may ring the gong 🥘"),
            ),
            minutes_ago(
                150,
                Line("tom", "The pot is scrubbed and on the porch. Take the spoon too, it's the size of an oar."),
                Line("noor", "You're a star. We'll be 34 people! What shall I write on the allergy list for you?"),
                Line("noor", "And is Aurelia coming? There will be rice with orange peel, children love it."),
            ),
        ),
        behind={"tom": 2},
    ),
)

OF_OTHERS: Final = (
    Direct(
        between=("samir", "aiko"),
        sittings=(
            days_ago(
                25,
                "09:33",
                Line("aiko", "Your mint survived the night on my balcony. I'm almost proud."),
                Line("samir", "Mint survives everything. The trick is that other things survive the mint."),
                Line("aiko", "Too late for the chives, I fear."),
            ),
            days_ago(
                8,
                "12:12",
                Line("aiko", "I made pickles of the small cucumbers: きゅうりの浅漬け. Ready in an hour!"),
                Line("samir", "In an hour? My family waits six weeks for ours."),
                Line("aiko", "We could trade: one jar of patience for one of haste."),
                Line("samir", "Agreed. I'll bring mine to the market."),
            ),
            minutes_ago(
                700,
                Line("aiko", "Do you grow daikon by any chance?"),
                Line("samir", "This year for the first time. They'll be ready in two weeks."),
            ),
        ),
    ),
    Direct(
        between=("noor", "samir"),
        sittings=(
            days_ago(
                30,
                "19:20",
                Line("noor", "Samir, do you have fresh fenugreek? I want to make ghormeh sabzi for the supper club."),
                Line("samir", "أهلاً وسهلاً!"),
                Line("samir", "I have seeds in the ground, and leaves in ten days."),
                Line("noor", "Ten days is just right. And coriander, a whole armful?"),
                Line("samir", "Two armfuls. My wife says that nobody has ever asked for fenugreek before."),
                Line("noor", "Tell her there is a chair for her at the table."),
            ),
            days_ago(
                18,
                "08:55",
                Line("samir", "The fenugreek is cut. I left it in a wet cloth at the bakery."),
                Line("noor", "Got it, the whole street smells of it. دستت درد نکنه 🌿"),
                Line("samir", "How was the stew?"),
                Line("noor", "They scraped the pot. Four people asked for you, I said you are a secret.", answers=1),
            ),
            minutes_ago(
                75,
                Line("samir", "Pomegranates came in from my cousin, small and very red. Shall I keep you a crate?"),
                Line("samir", "And thank you for the salt, the best we ever had: شكراً جزيلاً 🙏"),
                Line("samir", "Let me know by noon, Kofi is circling them."),
            ),
        ),
        behind={"noor": 3},
    ),
    Direct(
        between=("ines", "lena"),
        sittings=(
            days_ago(
                26,
                "16:18",
                Line("lena", "Is there any of the chestnut honey left, or did the market take it all?"),
                Line("ines", "Four jars, hidden behind the smoker. One has your name on it."),
                Line("lena", "You know me too well."),
                Line("ines", "You and the bears."),
            ),
            days_ago(
                7,
                "10:31",
                Line("ines", "The hives are wrapped for the winter. I said good night to each of them."),
                Line("lena", "How many are you taking through this time?"),
                Line("ines", "Nineteen. Two were too weak, I joined them with their neighbours."),
                Line("lena", "That is a rather beautiful thing to do.", answers=1),
            ),
            minutes_ago(
                420,
                Line("lena", "My plum jam against a jar of your honey? The dark batch, with cinnamon."),
                Line("ines", "You had me at plum. Combinado!"),
            ),
        ),
    ),
    Direct(
        between=("priya", "ines"),
        sittings=(
            days_ago(
                21,
                "18:44",
                Line("priya", "Hi Inês, is your honey warm filled or cold? It's for my father, he is particular."),
                Line("ines", "Cold, never above 35 degrees. He'll see it set within weeks, that is the proof."),
                Line("priya", "He tasted it and said nothing for a whole minute. That never happens."),
                Line("ines", "I'll frame that 🐝"),
            ),
            minutes_ago(
                55,
                Line("priya", "He has finished the jar. He says நன்றி, and that he would like to adopt a bee."),
                Line("priya", "Could we come and look at the hives one day, from far away?"),
            ),
        ),
        behind={"ines": 2},
    ),
    Direct(
        between=("mateo", "kofi"),
        sittings=(
            days_ago(
                16,
                "07:58",
                Line("mateo", "Kofi, I have eleven kinds of potato this year. Which one do children eat?"),
                Line("kofi", 'All of them, as long as they are called "chips".'),
                Line("mateo", "The red ones hold their shape, the blue ones make people talk."),
                Line("kofi", "Then 50 kg of the red and 10 of the blue, for a talkative Friday."),
                Line("mateo", "¡Hecho! I'll be at the back door at half past six."),
            ),
            days_ago(
                10,
                "14:02",
                Line("kofi", "Blue mash was a triumph. One child asked whether you are a wizard."),
                Line("mateo", "What did you answer?"),
                Line("kofi", "That we are not allowed to say."),
            ),
            minutes_ago(
                260,
                Line("mateo", "Storage bill for the potatoes is in your letterbox. No rush, the cellar likes company."),
                Line("kofi", "Paid already. See you on Friday, wizard 🥔"),
            ),
        ),
    ),
    Direct(
        between=("olek", "noor"),
        sittings=(
            days_ago(
                13,
                "06:30",
                Line("noor", "Good morning, early bird. Could you bake something flat for 34 people?"),
                Line("olek", "Flat is easy, it's when I fail at round. What did you have in mind?"),
                Line("noor", "Barbari: long, with ridges and nigella seeds. https://example.org/barbari"),
                Line("olek", "I've read it twice. The oven must be hotter than mine has ever been."),
                Line("noor", "We could bake the night before and warm it on Tom's gong."),
                Line("olek", "On the what?", answers=1),
                Line("noor", "You will see. You will certainly hear."),
            ),
            minutes_ago(
                480,
                Line("olek", "Test run: eight of ten are flat, two became hats. Shall I keep practising?"),
                Line("noor", "I'd buy a hat! But yes, please, flat ones."),
            ),
        ),
    ),
    Direct(
        between=("mateo", "joan"),
        sittings=(
            days_ago(
                23,
                "19:49",
                Line("mateo", "Joan, how deep does the frost go on your side of the valley?"),
                Line("joan", "A hand, in a bad winter. I cover the artichokes with straw and hope."),
                Line("mateo", "I have thirty bales too many. Come with the trailer before it rains."),
                Line("joan", "On my way. The artichokes send a kiss."),
            ),
            minutes_ago(
                520,
                Line("joan", "Do you still have the long ladder? The top of the quince laughs at me."),
                Line("mateo", "It hangs behind the tractor. Take somebody who holds it, not like last year!"),
            ),
        ),
    ),
    Direct(
        between=("aiko", "priya"),
        sittings=(
            days_ago(
                28,
                "13:10",
                Line("priya", "Aiko, was that you with the orange bicycle and all the leeks?"),
                Line("aiko", "It was. They lean out like passengers."),
                Line("priya", "We should share a box, I never finish mine."),
                Line("aiko", "Yes! You take the roots, I take the leaves?"),
                Line("priya", "And we fight over the tomatoes."),
            ),
            minutes_ago(
                120,
                Line("aiko", "Our box is on your step, with a jar of 味噌 in it, made last winter. Keep it cool!"),
                Line("aiko", "I took the chard and left you all the beetroot."),
            ),
        ),
        behind={"priya": 2},
        muted_by=("priya",),
    ),
    Direct(
        between=("lena", "samir"),
        sittings=(
            days_ago(
                34,
                "09:05",
                Line("lena", "Mr Haddad, the seedlings you gave me have conquered the greenhouse. What are they?"),
                Line("samir", "Cucumbers, I thought. What do they look like?"),
                Line("lena", "Like they are looking at me."),
                Line("samir", "Ah. Bottle gourds. My mistake, and my aunt's pride: eat them small."),
            ),
            days_ago(
                2,
                "16:16",
                Line("lena", "The last gourd weighs as much as my cat. It is now a lamp, come and look."),
                Line("samir", "I'll bring my aunt. She'll want one for every window 😄"),
            ),
        ),
    ),
)

DIRECTS: Final = (MARIA_AND_TOM, *OF_MARIA, *OF_TOM, *OF_OTHERS)
