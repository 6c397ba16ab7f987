// SPDX-License-Identifier: ISC
// digest: a checksum of some data; "reqctl call digest sha256 hello".
//
//   service "digest" {
//       handler = {"/usr/bin/node", "/usr/share/doc/reqd/examples/digest.js"}
//       processes { min = 1  max = 2 }
//       ready = ping
//       argument "algorithm" { type = choice  values = {"sha256", "sha512", "md5"} }
//       argument "data" {}
//       allow = {"local"}
//   }
'use strict'
const crypto = require('crypto')

// ---- for every handler in Node: serve({ name: function }) ----
const bulk = b => Buffer.concat([Buffer.from(`$${b.length}\r\n`), b, Buffer.from('\r\n')])
const encode = v => bulk(Buffer.isBuffer(v) ? v : Buffer.from(String(v)))

async function * requests (source) {
  let input = Buffer.alloc(0)
  async function more () {
    const { value, done } = await source.next()
    if (!done) input = Buffer.concat([input, value])
    return !done
  }
  async function read (size, mark = size) { // so many bytes, or up to CRLF; and that
    while (size === undefined ? (mark = input.indexOf('\r\n')) < 0 : input.length < size + 2) {
      if (!await more()) throw new Error('the input ended inside a request')
    }
    const bytes = input.subarray(0, mark)
    input = input.subarray(mark + 2)
    return bytes
  }
  const number = async () => Number((await read()).subarray(1))
  while (input.length > 0 || await more()) {
    const words = []
    for (let n = await number(); n > 0; n--) words.push(await read(await number()))
    yield words
  }
}

function call (commands, name, args) {
  if (!Object.hasOwn(commands, name)) throw new Error('unknown command')
  return commands[name](...args)
}

async function serve (commands) {
  const { writeSync } = require('fs')
  console.log = console.error // what is printed goes to the log
  for await (const [name, ...args] of requests(process.stdin[Symbol.asyncIterator]())) {
    let reply = Buffer.from('+PONG\r\n')
    try {
      if (String(name) !== 'PING') reply = encode(await call(commands, name, args))
    } catch (e) {
      reply = Buffer.from(`-ERR ${e.message.replace(/\s+/g, ' ')}\r\n`)
    }
    const channel = Number(process.env.REQD_CHANNEL || 1)
    for (let n = 0; n < reply.length;) n += writeSync(channel, reply, n)
  }
}
// ---- end of that part ----

serve({ digest: (name, data) => crypto.createHash(String(name)).update(data).digest('hex') })
