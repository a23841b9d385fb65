/**
 * The wire's shapes, as far as this client reads them, for editors and type checkers. PROTOCOL.md says what they mean.
 * No code.
 *
 * @typedef {{id: string, name: string, image: string | null, role: string}} User
 *
 * @typedef {object} Attachment
 * @property {string} id
 * @property {string} url
 * @property {string} name
 * @property {string} type
 * @property {number} size bytes
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} duration seconds
 * @property {string | null} thumbnailUrl
 * @property {string | null} placeholder
 * @property {number[] | null} waveform
 *
 * @typedef {{emoji: string, count: number, mine?: boolean}} Reaction
 * @typedef {{id: string, seq: number, senderId: string | null, excerpt: string}} Reply
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} conversationId
 * @property {number} seq
 * @property {number} version
 * @property {string | null} [clientId]
 * @property {"TEXT" | "IMAGE" | "FILE" | "SYSTEM"} type
 * @property {string} content
 * @property {{kind: string, userIds: string[]} | null} [system]
 * @property {Attachment[]} [attachments]
 * @property {Reaction[]} [reactions]
 * @property {Reply | null} [replyTo]
 * @property {User | null} sender
 * @property {string | null} [senderId]
 * @property {boolean} [hidden]
 * @property {string} createdAt
 * @property {string | null} [editedAt]
 * @property {string | null} [deletedAt]
 * @property {string} [actorId] in an event: who reacted
 * @property {{emoji: string, removed: boolean}} [reaction] in an event: with what
 *
 * @typedef {Message & {context: {before: Reply | null, after: Reply | null}}} Found
 *
 * @typedef {{user: User, role: string, lastReadSeq: number, joinedAt: string}} Participant
 *
 * @typedef {object} Group
 * @property {string} id
 * @property {string} conversationId
 * @property {string} name
 * @property {string} description
 * @property {string | null} imageUrl
 * @property {string} category
 * @property {string} visibility
 * @property {number} memberCount
 * @property {string | null} [myRole]
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {"DIRECT" | "GROUP"} type
 * @property {Participant[]} participants at most 50
 * @property {number} participantCount
 * @property {Group | null} group
 * @property {Message | null} lastMessage
 * @property {number} firstSeq
 * @property {number} lastSeq
 * @property {number} version
 * @property {number} lastReadSeq
 * @property {number} unreadCount
 * @property {boolean} muted
 * @property {string | null} silencedUntil
 * @property {string} createdAt
 * @property {string} updatedAt
 *
 * @typedef {object} Held what waits for a moderator
 * @property {string} id
 * @property {string | null} clientId
 * @property {string} conversationId
 * @property {"WAITING" | "APPROVED" | "REFUSED" | "WITHDRAWN"} state
 * @property {string} answer
 *
 * @typedef {{messages: Message[], version: number, hasOlder: boolean, hasNewer: boolean}} Page
 *
 * @typedef {object} Head
 * @property {number} version
 * @property {number} firstSeq
 * @property {number} lastSeq
 * @property {number} lastReadSeq
 * @property {number} unreadCount
 * @property {Record<string, number>} [reads]
 *
 * @typedef {object} Sync
 * @property {string} epoch
 * @property {string} serverTime
 * @property {Record<string, Head>} heads
 * @property {Record<string, Message[]>} changes
 * @property {Conversation[]} conversations
 * @property {string[]} more
 * @property {string[]} gone
 * @property {string[]} reset
 * @property {Conversation[]} new
 * @property {boolean} listStale
 *
 * @typedef {{userId: string, online: boolean | null, lastSeen?: string}} Status
 *
 * @typedef {object} Frame
 * @property {string} event
 * @property {any} data
 * @property {string} [conversationId]
 * @property {number} [prev]
 * @property {number} [version]
 *
 * @typedef {{code: string, message: string, retryable?: boolean, retryAfter?: number, field?: string}} WireError
 */

export {};
