// A flame graph as a picture: width is time, what was called stands above its caller. Names show on pointing.

import { totalOf, type Frame } from './cpu-profile.ts'

const width = 1200
const rowHeight = 15
/** Narrower ones cannot be seen, and are most of a profile. */
const minWidth = 1.2
const pixelsPerLetter = 6.2

interface Box {
  readonly frame: Frame
  readonly depth: number
  readonly left: number
  readonly wide: number
}

export function flameGraph(root: Frame, title: string): string {
  const boxes = boxesOf(merged(root), 0, 0, width / totalOf(root))
  const depth = Math.max(...boxes.map((box) => box.depth)) + 1
  const height = (depth + 2) * rowHeight
  const all = totalOf(root)
  const drawn = boxes.map((box) => drawBox(box, height, all)).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="10">
<title>${escape(title)}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="4" y="11">${escape(title)}</text>
${drawn}
</svg>
`
}

/** Calls of the same function from the same caller are one. */
function merged(frame: Frame): Frame {
  const groups = Map.groupBy(frame.children, ({ name, url }) => `${name} ${url}`)
  const children = [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return []
    const same = [first, ...others]
    return merged({
      name: first.name,
      url: first.url,
      own: same.reduce((sum, { own }) => sum + own, 0),
      children: same.flatMap((one) => one.children),
    })
  })
  return { ...frame, children }
}

function boxesOf(frame: Frame, depth: number, left: number, scale: number): readonly Box[] {
  const wide = totalOf(frame) * scale
  if (wide < minWidth) return []
  const boxes: Box[] = [{ frame, depth, left, wide }]
  let childLeft = left
  for (const child of frame.children.toSorted((a, b) => totalOf(b) - totalOf(a))) {
    boxes.push(...boxesOf(child, depth + 1, childLeft, scale))
    childLeft += totalOf(child) * scale
  }
  return boxes
}

function drawBox({ frame, depth, left, wide }: Box, height: number, all: number): string {
  const top = height - (depth + 1) * rowHeight
  const share = ((totalOf(frame) / all) * 100).toFixed(1)
  const place = frame.url.replace(/^.*\/(?=src\/|node_modules\/)/, '').replace(/^file:.*\//, '')
  const label = frame.name.slice(0, Math.max(0, Math.floor(wide / pixelsPerLetter)))
  const text =
    label.length < 3
      ? ''
      : `<text x="${(left + 2).toFixed(1)}" y="${top + 11}">${escape(label)}</text>`
  const box = `<rect x="${left.toFixed(1)}" y="${top}" width="${(wide - 0.5).toFixed(1)}" height="${rowHeight - 1}" fill="${colourOf(frame)}"/>`
  return `<g><title>${escape(`${frame.name} ${place} ${share} %`)}</title>${box}${text}</g>`
}

/** Ours orange, Node's green, native code blue, the garbage collector red. */
function colourOf({ name, url }: Frame): string {
  if (name === '(garbage collector)') return '#e57373'
  if (url.includes('/src/')) return '#ffb74d'
  if (url.startsWith('node:')) return '#aed581'
  return url === '' ? '#90caf9' : '#d7ccc8'
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
