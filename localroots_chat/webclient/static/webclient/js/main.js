/**
 * The composition: makes the parts, connects them, and listens to the three things that move the page: the store, the
 * socket and the address. The open conversation is the address's fragment, so the phone's back button closes it.
 */

import { Api } from "./api.js";
import { avatar } from "./avatar.js";
import { Composer } from "./composer.js";
import { ConversationList } from "./conversation_list.js";
import { byId } from "./dom.js";
import { ChatError } from "./errors.js";
import { Loading } from "./loading.js";
import { NewConversation } from "./new_conversation.js";
import { Outbox } from "./outbox.js";
import { ReadReceipts } from "./receipts.js";
import { ChatSocket } from "./socket.js";
import { Store } from "./store.js";
import { Thread } from "./thread.js";
import { TypingBoard, TypingSignal } from "./typing.js";
import { Uploads } from "./uploads.js";

/** @typedef {import("./types.js").Frame} Frame */

const SPREAD = 5000; // over this a crowd's answers to "many messages changed" are spread
const CONNECTION = {
  connecting: "Connecting…",
  online: "",
  reconnecting: "Connection lost. Trying again…",
  offline: "You are offline. Messages go out when you are back.",
};

const store = new Store(JSON.parse(byId("me").textContent ?? ""));
const api = new Api({ onSignedOut: signIn });
const loading = new Loading({ api, store });
const socket = new ChatSocket({
  ticket: () => api.ticket(),
  onEvent: receive,
  onState: showConnection,
  onSignedOut: signIn,
});
const outbox = new Outbox({
  deliver: ({ clientId, conversationId, content, attachments }) =>
    socket.request("message:send", {
      conversationId,
      content,
      clientId,
      attachmentIds: attachments.map(({ id }) => id),
    }),
  onDelivered: (message) => store.putOwn(message),
  onChange: () => store.changed(),
});

const typingBoard = new TypingBoard(() => store.changed());
const typingSignal = new TypingSignal((event, conversationId) => socket.send(event, { conversationId }));
const list = new ConversationList({
  store,
  typing: typingBoard,
  onNearEnd: () => attempt(loading.moreOfTheList()),
});
const thread = new Thread({
  store,
  outbox,
  typing: typingBoard,
  onNearOldest: () => store.openId && attempt(loading.olderMessages(store.openId)),
  onPlaceChanged: () => receipts.check(),
});
const receipts = new ReadReceipts({
  store,
  socket,
  showsNewest: () => thread.showsNewest,
  onRefused: (conversationId) => attempt(loading.catchUp(conversationId)),
});
const uploads = new Uploads({
  send: (file, onProgress, signal) => api.upload(file, onProgress, signal),
  onChange: () => composer.drawTray(),
});
const composer = new Composer({
  uploads,
  onWriting: (conversationId, writing) => typingSignal.update(conversationId, writing),
  onSend: (conversationId, content, attachments) => {
    outbox.post(conversationId, content, attachments);
    thread.goToNewest();
  },
});
new NewConversation({
  api,
  me: store.me,
  onStarted: (conversation) => {
    store.putConversation(conversation);
    location.hash = conversation.id;
  },
});

function draw() {
  list.draw();
  thread.draw();
  receipts.check();
  if (store.open && !store.threads.has(store.open.id)) attempt(loading.openThread(store.open.id));
  byId("chat").classList.toggle("has-open-thread", store.open !== null);
  const unread = store.unreadTotal;
  document.title = unread > 0 ? `(${unread > 999 ? "999+" : unread}) LocalRoots Chat` : "LocalRoots Chat";
}

/** @param {Frame} frame */
function receive({ event, data, ...frame }) {
  switch (event) {
    case "welcome":
      return attempt(refresh());
    case "message:new":
      typingBoard.stopped(data.conversationId, data.senderId);
    // falls through: both put a message
    case "message:updated":
      if (data.senderId === store.me.id) outbox.remove(data.clientId);
      if (store.receive({ event, data, ...frame }) === "gap") attempt(loading.catchUp(data.conversationId));
      return;
    case "message:held":
      return outbox.decided(data);
    case "message:read":
      if (store.moveReader(data.conversationId, data.userId, data.lastReadSeq)) {
        attempt(loading.catchUp(data.conversationId));
      }
      return;
    case "typing:user_start":
      return typingBoard.started(data.conversationId, data.userId);
    case "typing:user_stop":
      return typingBoard.stopped(data.conversationId, data.userId);
    case "conversation:new":
      return store.putConversation(data);
    case "conversation:reset":
      return attempt(loading.anew(data.conversationId));
    case "conversation:gone":
      return store.removeConversation(data.conversationId);
    case "conversation:changed":
      setTimeout(() => attempt(loading.catchUp(frame.conversationId ?? "")), Math.random() * SPREAD);
      return;
    case "group:created":
    case "group:updated":
    case "group:member_added":
    case "group:member_removed":
      attempt(loading.catchUp(frame.conversationId ?? data.conversationId));
  }
}

async function refresh() {
  await loading.refresh();
  list.loaded = true;
  store.changed();
  void outbox.flush();
}

async function openFromAddress() {
  const id = location.hash.slice(1) || null;
  store.openId = id;
  draw();
  composer.openFor(id);
  if (!id) return;
  await loading.openThread(id);
  if (!store.conversations.has(id) && store.openId === id) location.hash = "";
}

/** What fails here is loaded again after the next reconnect or event. @param {Promise<unknown>} work */
function attempt(work) {
  work.catch((error) => {
    if (!(error instanceof ChatError)) throw error;
    console.warn(error.message);
  });
}

/** @param {import("./socket.js").ConnectionState} state */
function showConnection(state) {
  byId("status-line").textContent = CONNECTION[state];
  // Every welcome refreshes; without one, the page still shows what REST has.
  if (state === "reconnecting" && !list.loaded) attempt(refresh());
}

function signIn() {
  location.assign(`/sign-in/?next=${encodeURIComponent(location.pathname + location.hash)}`);
}

byId("my-avatar").append(avatar(store.me, "small"));
showConnection("connecting");
store.subscribe(draw);
addEventListener("hashchange", () => attempt(openFromAddress()));
document.addEventListener("visibilitychange", () => receipts.check());
addEventListener("beforeunload", (event) => {
  if (outbox.unsent) event.preventDefault();
});
attempt(openFromAddress());
socket.start();
