const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** PostgreSQL refuses what is none; a caller may send anything. */
export const isUuid = (text: string): boolean => uuid.test(text)
