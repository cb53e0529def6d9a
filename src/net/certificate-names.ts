// The host names a certificate is for, from the text Node makes of its subjectAltName.

/**
 * Lower case, wildcards as they are. Other kinds of name may hold any text (`URI:DNS:mail.inst.example`), so the list is
 * taken apart entry by entry; what Node has put in quotes is no host name.
 */
export function dnsNamesOf(subjectAltName: string | undefined): readonly string[] {
  const entry = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y
  const names: string[] = []
  for (;;) {
    const [whole = '', kind, name = ''] = entry.exec(subjectAltName ?? '') ?? []
    // An entry that cannot be read may end anywhere: what follows counts for nothing.
    if (whole === '') return names
    if (kind === 'DNS' && !name.startsWith('"')) names.push(name.toLowerCase())
  }
}
