// The size a server has to take, and what the relay adds to it.

/** Service requirement (e): 50 MiB, gross, as transferred. */
export const requiredBytes: number = 52_428_800

/** Trace fields that the relay adds. */
export const headroomBytes: number = 65_536

/** `52.428.800` and `52,428,800` */
export function bytesText(bytes: number): { readonly de: string; readonly en: string } {
  const grouped = String(bytes).replace(/\B(?=(?:\d{3})+$)/g, ',')
  return { de: `${grouped.replaceAll(',', '.')} Byte`, en: `${grouped} bytes` }
}
