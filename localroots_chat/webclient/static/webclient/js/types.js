/**
 * The wire's shapes, as far as this client reads them, for editors and type checkers. No code.
 *
 * @typedef {{id: string, name: string, image: string | null, role: string}} User
 *
 * @typedef {object} Attachment
 * @property {string} id
 * @property {string} url
 * @property {string} name
 * @property {string} type
 * @property {number} size
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} duration
 * @property {string | null} thumbnailUrl
 * @property {string | null} placeholder
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} conversationId
 * @property {number} seq
 * @property {number} version
 * @property {string | null} [clientId]
 * @property {"TEXT" | "IMAGE" | "FILE" | "SYSTEM"} type
 * @property {string} content
 * @property {Attachment[]} [attachments]
 * @property {User | null} sender
 * @property {string | null} [senderId]
 * @property {boolean} [hidden]
 * @property {string} createdAt
 * @property {string | null} [editedAt]
 * @property {string | null} [deletedAt]
 *
 * @typedef {{user: User, role: string, lastReadSeq: number | null, joinedAt: string}} Participant
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {"DIRECT" | "GROUP"} type
 * @property {Participant[]} participants
 * @property {number} participantCount
 * @property {{id: string, name: string, imageUrl: string | null, category: string} | null} group
 * @property {Message | null} lastMessage
 * @property {number} lastSeq
 * @property {number} version
 * @property {number} lastReadSeq
 * @property {number} unreadCount
 * @property {string} createdAt
 *
 * @typedef {{clientId: string | null, state: "WAITING" | "APPROVED" | "REFUSED" | "WITHDRAWN", answer: string}} Held
 *
 * @typedef {{messages: Message[], version: number, hasOlder: boolean, hasNewer: boolean}} Page
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
