/** The artifact of a resolve that says what its base image has. */
export const baseDocumentName = 'base-image.json'
