"""The demo's groups, one of each category, and what was said in them. Data only; talks.py says how to read it."""

from typing import Final

from groups.models import Group
from localroots_chat.demo.talks import Community, Line, days_ago, minutes_ago

OFF_TOPIC: Final = "Selling my old van, two owners, one of them a goat. I have written this in every group, sorry!"

COMMUNITIES: Final = (
    Community(
        name="Valley food share",
        description="Surplus, seeds and starters: take what you need, give what you have.",
        category=Group.Category.FOOD_SHARE,
        members=(
            *("joan", "maria", "tom", "aiko", "lena", "samir"),
            *("ines", "kofi", "priya", "mateo", "noor", "olek"),
        ),
        moderators=("lena",),
        sittings=(
            days_ago(
                35,
                "18:00",
                Line(
                    "joan",
                    "Welcome, everybody! What is too much for you is dinner for somebody else. Just say so here.",
                ),
                Line("lena", "House rules, short: no money, first come first served, and bring the jars back."),
                Line("maria", "I'll start: a bucket of windfall apples by the green barn, every evening."),
                Line("priya", "Apples! Thank you, I'll come with the bicycle."),
            ),
            days_ago(
                26,
                "17:25",
                Line("mateo", "Two crates of small potatoes, too small to sell and just right to roast."),
                Line("aiko", "Half a crate for me, please 🙋"),
                Line("kofi", "I take the rest for the canteen, if nobody minds."),
                Line("mateo", "Nobody minds. They are in the shed, the light is on the left.", answers=1),
            ),
            days_ago(
                18,
                "12:40",
                Line("ines", "I have wax for candles, and frames with a little honey in the corners."),
                Line("noor", "The supper club would love to make candles!"),
                Line("ines", "Then it is yours. Careful, the bees want a word about it.", answers=1),
            ),
            days_ago(
                9,
                "19:32",
                Line("olek", "A dozen loaves from yesterday. Good for another three days, better as toast."),
                Line("tom", "Two, please! I can be there in ten minutes."),
                Line("samir", "One for us. With za'atar it will not grow old."),
                Line("olek", "Gone in a quarter of an hour. I should bake too much more often."),
            ),
            days_ago(
                4,
                "08:12",
                Line("tom", "Whose are the three pumpkins on our wall? They are beautiful, but we didn't ask for any."),
                Line("maria", "That is what happens when you leave a wall empty in this valley 🎃"),
                Line("lena", "I confess. There are more where they came from."),
            ),
            minutes_ago(
                860,
                Line("joan", "We have far more courgettes than we can sell. Free for whoever comes by before six."),
                Line("lena", "I'd take a bag! Can I bring you some of my plum jam?"),
                Line("joan", "A trade I like."),
            ),
            minutes_ago(
                200,
                Line("aiko", "Bread starter to give away, a lively one."),
                Line("samir", "Yes please. I'll bring mint."),
            ),
        ),
        behind={"maria": 5, "tom": 2, "kofi": 7, "noor": 2, "mateo": 5},
    ),
    Community(
        name="Saturday market",
        description="Who comes, who sells what, who needs a hand with the tables. Small talk welcome.",
        category=Group.Category.GENERAL,
        members=("maria", "joan", "samir", "ines", "mateo", "olek", "tom", "lena", "kofi"),
        moderators=("samir", "ines"),
        sittings=(
            days_ago(
                32,
                "20:10",
                Line(
                    "maria",
                    "Stalls for this Saturday: me by the fountain, Joan under the lime tree, Olek by the church.",
                ),
                Line("ines", "May I stand next to Olek? Bread and honey sell each other."),
                Line("olek", "I was going to ask."),
                Line("samir", "I'll take the corner, my herbs like the shade."),
            ),
            days_ago(
                24,
                "15:55",
                Line("joan", "Best day since spring. I'm sold out, even the ugly ones."),
                Line("mateo", "There are no ugly ones, only interesting ones."),
                Line("tom", "As a customer: could somebody sell coffee? I'd pay in any currency."),
                Line("kofi", "I have an urn from the canteen. Give me a table and a roof.", answers=1),
                Line("maria", "You have a table and a roof!"),
            ),
            days_ago(
                10,
                "18:20",
                Line("samir", "The town asks us to leave by 13:30 from now on, because of the choir."),
                Line("lena", "The choir is worth it. They also sing for leeks."),
                Line("ines", "Then let's begin half an hour earlier, at 7:30?"),
                Line("joan", "Half past seven, says the man with the longest way. Fine."),
            ),
            days_ago(
                3,
                "19:04",
                Line("olek", "Rain on Saturday, they say. Who has a second roof?"),
                Line("mateo", "I have one, 3 × 3 metres. It leaks in one corner, put the leeks there."),
                Line("olek", OFF_TOPIC),
            ),
            minutes_ago(
                115,
                Line("maria", "The list for Saturday hangs in the barn. Joan, you are last again!"),
                Line("joan", "Last is where the sun is, at noon ☀️"),
                Line("kofi", "Coffee from 7:30. Bring your own cup, I'm not washing 90 of them again."),
                Line("lena", "I can wash from ten on, if somebody saves me a loaf."),
            ),
        ),
        behind={"maria": 3, "olek": 4, "tom": 1, "mateo": 2},
        muted_by=("mateo",),
    ),
    Community(
        name="Valley news",
        description="Roads, weather, water and what else concerns us all. One topic at a time, please.",
        category=Group.Category.NEWS,
        members=("lena", "maria", "joan", "samir", "tom", "aiko", "priya", "noor", "mateo"),
        moderators=("joan",),
        sittings=(
            days_ago(
                29,
                "08:00",
                Line("lena", "The bridge by the schoolhouse is closed until Friday. Carts and bicycles can pass."),
                Line("tom", "We can see it from the kitchen: they have found an older bridge underneath!"),
                Line("aiko", "How old?"),
                Line("tom", "They say 1740. There is a date in the stone, and a cat next to it.", answers=1),
            ),
            days_ago(
                20,
                "17:30",
                Line("joan", "Frost warning for tonight, −3 °C in the hollow. Cover what you love."),
                Line("priya", "Thank you! The lemon tree is now wearing my winter coat."),
                Line("mateo", "−4.5 °C down here this morning. The straw held."),
            ),
            days_ago(
                8,
                "11:45",
                Line("lena", "The council has voted: the well in the lower village is opened again."),
                Line("samir", "At last! Is there a paper one can read?"),
                Line("lena", "Here, the last page is the one that matters: https://example.org/valley/well.pdf"),
                Line("noor", "Clear and short. Whoever wrote this should write everything.", answers=1),
            ),
            minutes_ago(
                330,
                Line("lena", "Electricity will be off tomorrow from 9 to 11 on the north side. Charge your fences!"),
                Line("maria", "Thank you, Bruce would have noticed first."),
                Line("mateo", "Whoever has milk to cool: my generator is free until noon."),
            ),
        ),
        behind={"tom": 3, "aiko": 3, "priya": 2, "samir": 1},
    ),
    Community(
        name="What's in the pot",
        description="Recipes for what grows here, in the week in which it grows. Pictures are optional, salt is not.",
        category=Group.Category.RECIPES,
        members=("kofi", "noor", "aiko", "priya", "lena", "tom", "maria", "olek"),
        moderators=("noor",),
        sittings=(
            days_ago(
                30,
                "19:15",
                Line(
                    "kofi", "Groundnut soup with Mateo's pumpkin, for six. First: fry an onion until it smells right."
                ),
                Line(
                    "kofi", "Then ginger, tomato paste, 700 g pumpkin, a litre of stock, four spoons of peanut butter."
                ),
                Line("kofi", "Twenty minutes, a squeeze of lime. Eat it with whatever Olek has left."),
                Line("tom", "Made it. The half asks whether Kofi could move in with us.", answers=1),
            ),
            days_ago(
                19,
                "18:50",
                Line(
                    "aiko",
                    "Daikon oroshi (大根おろし): grate the radish, let it drip, soy sauce. Five minutes, good on fish.",
                ),
                Line("priya", "With mustard seeds in hot oil on top it becomes a different animal."),
                Line("aiko", "Priya!! Trying this tonight.", answers=1),
                Line("aiko", "It is a different animal. It's a better animal."),
            ),
            days_ago(
                11,
                "20:05",
                Line(
                    "olek", "Borscht, the short version: roast the beets whole, peel, grate, and only then the broth."
                ),
                Line("maria", "Vinegar before or after?"),
                Line("olek", "A spoon before, so that it stays red. Dill after. Сметана always.", answers=1),
                Line("lena", "I'd like the long version one winter evening, with you at the stove."),
            ),
            days_ago(
                4,
                "12:25",
                Line("noor", "What do you do with quinces? I have eleven kilos and no plan."),
                Line("lena", "Slices, sugar, one clove, lowest oven, three hours. The house will thank you."),
                Line("noor", "Trying the first tray now. You were right about the house.", answers=1),
            ),
            minutes_ago(
                240,
                Line(
                    "priya",
                    "Tomato rasam for the cold: 4 tomatoes, tamarind, pepper, cumin, garlic. Drink it from a cup.",
                ),
                Line("kofi", "180 cups, then. What's the secret?"),
                Line("priya", "More pepper than you dare 🌶️", answers=1),
                Line("noor", "My nose is free for the first time this week. Thank you!"),
            ),
        ),
        behind={"tom": 4, "lena": 2, "maria": 3, "olek": 1},
    ),
    Community(
        name="Growers' corner",
        description="Soil, pests, machines and prices. Among farmers; ask Mateo if you'd like to come in.",
        category=Group.Category.TIPS,
        members=("mateo", "maria", "joan", "samir", "ines", "olek"),
        moderators=("maria",),
        visibility=Group.Visibility.PRIVATE,
        sittings=(
            days_ago(
                31,
                "21:00",
                Line("mateo", "Wireworm in the lower potatoes. What has worked for you?"),
                Line("joan", "Mustard the year before, dug in green. Smells awful, works."),
                Line("samir", "And hens, for two weeks before planting. They work for food."),
                Line("mateo", "I'll rent Maria's girls, then."),
            ),
            days_ago(
                21,
                "20:33",
                Line("ines", "Please don't mow the ivy on the north wall yet: it's the last flower my bees have."),
                Line("maria", "Mine stays until November. I put a sign on it."),
                Line("joan", "Same here. The wall needs it more than I do."),
            ),
            days_ago(
                12,
                "19:41",
                Line("olek", "Does anybody clean seed? I have 80 kg of rye with a lot of vetch in it."),
                Line("samir", "My uncle's winnower still runs. Loud, but it runs."),
                Line("olek", "Loud is fine, I'm a miller.", answers=1),
            ),
            minutes_ago(
                390,
                Line("joan", "What do you ask for leeks this week? I feel cheap at 2.40."),
                Line("maria", "2.80, with the roots on. People want to see soil."),
                Line("mateo", "2.60 in the lower village. Shall we say the same everywhere?"),
                Line("samir", "2.70 and a bunch of parsley on top."),
            ),
        ),
        behind={"ines": 4, "olek": 4, "maria": 2, "joan": 2},
    ),
    Community(
        name="Feasts and fairs",
        description="Suppers, seed swaps, open barns: what is on, and who helps to carry the benches.",
        category=Group.Category.LOCAL_EVENTS,
        members=("noor", "tom", "maria", "priya", "ines", "kofi", "aiko", "olek", "lena", "samir"),
        moderators=("priya", "kofi"),
        sittings=(
            days_ago(
                27,
                "18:28",
                Line("noor", "The supper club is back: last Friday of the month, one long table in the cider house."),
                Line("priya", "I'll do the list. Please tell me what you can't eat, not what you don't like 😉"),
                Line("kofi", "I can't eat early."),
                Line("olek", "Bread is on me."),
            ),
            days_ago(
                16,
                "17:17",
                Line("ines", "Seed swap in my barn on Sunday at three. Labels with names and years, please!"),
                Line("aiko", "Are flower seeds all right too?"),
                Line("ines", "The bees insist on it.", answers=1),
                Line("maria", "I bring the purple carrot that made Tom famous."),
                Line("tom", "It was only soup."),
            ),
            days_ago(
                6,
                "20:20",
                Line("samir", "My aunt wants to teach how to roll vine leaves. Twelve places, it takes an afternoon."),
                Line("priya", "Me!"),
                Line("lena", "And me. Does one take the result home?"),
                Line("samir", "One takes home what one has not eaten while rolling.", answers=1),
            ),
            minutes_ago(
                48,
                Line("noor", "Friday: doors at six, gong at seven, 34 people. Programme: https://example.org/supper"),
                Line("kofi", "Who can help with the benches at five?"),
                Line("aiko", "I can. I'll be there at five with gloves."),
            ),
        ),
        behind={"tom": 3, "priya": 3, "maria": 1, "lena": 3},
    ),
)
