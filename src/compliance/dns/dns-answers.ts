// Reading answers of the DNS.

import type { DnsRecord, DnsReply, RecordType } from '#dns/query.ts'

/** Records of that type in the answer; none when there is no answer. */
export function recordsOf(reply: DnsReply, type: RecordType): readonly DnsRecord[] {
  return reply.kind === 'reply' ? reply.answers.filter((record) => record.type === type) : []
}

/** An answer that says something: records, or that there are none. */
export function isAnswer(reply: DnsReply): boolean {
  return reply.kind === 'reply' && (reply.rcode === 0 || reply.rcode === 3)
}

/** `10 mailrelay1.example.org, 10 mailrelay2.example.org`, `NXDOMAIN`, `timeout` */
export function replyWords(reply: DnsReply, type: RecordType): string {
  if (reply.kind === 'failed') return reply.detail
  if (reply.rcode === 3) return 'NXDOMAIN'
  if (reply.rcode !== 0) return reply.rcode === 2 ? 'SERVFAIL' : `RCODE ${reply.rcode}`
  const records = recordsOf(reply, type)
  if (records.length === 0) return 'NODATA'
  return records
    .map(({ value, preference }) =>
      type === 'MX' ? `${preference} ${value === '' ? '.' : value}` : value,
    )
    .toSorted()
    .join(', ')
}
