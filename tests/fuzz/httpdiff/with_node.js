// SPDX-License-Identifier: ISC
// with_node: compares requests that reqd takes, and their plain form (httpdiff.c), with what
// the parser of node reads (llhttp). Run with --expose-internals.
'use strict';
const { internalBinding } = require('internal/test/binding');
const { HTTPParser, methods, allMethods } = internalBinding('http_parser');
const fs = require('fs');

const names = allMethods || methods;
let seen;

function leftOut(name) {
	return name.includes('_') || name === 'proxy';
}

function takeFields(list) {
	for (let i = 0; i < list.length; i += 2)
		seen.fields.push(list[i].toLowerCase(), list[i + 1].replace(/[ \t]+$/, ''));
}

const parser = new HTTPParser();
parser[HTTPParser.kOnHeaders | 0] = (list, url) => {
	takeFields(list);
	seen.url += url;
};
parser[HTTPParser.kOnHeadersComplete | 0] = (major, minor, list, method, url, s, m, upgrade, kept) => {
	if (list !== undefined)
		takeFields(list);
	if (url !== undefined)
		seen.url += url;
	seen.head = `${names[method]} ${seen.url} ${minor}\n`;
	seen.kept = kept;
	return 0;
};
parser[HTTPParser.kOnBody | 0] = (bytes) => {
	seen.body += bytes.latin1Slice();
};
parser[HTTPParser.kOnMessageComplete | 0] = () => {
	seen.whole = true;
};

// Returns the plain form; null: refused; undefined: not whole at its end alone.
function read(data) {
	seen = { fields: [], url: '', body: '', whole: false };
	parser.initialize(HTTPParser.REQUEST, {}, 65536, HTTPParser.kLenientNone);
	let r = parser.execute(data.subarray(0, data.length - 1));
	if (r instanceof Error)
		return null;
	if (seen.whole)
		return undefined;
	r = parser.execute(data.subarray(data.length - 1));
	if (!seen.whole)
		return r instanceof Error ? null : undefined;
	let text = seen.head;
	for (let i = 0; i < seen.fields.length; i += 2) {
		if (!leftOut(seen.fields[i]))
			text += `${seen.fields[i]}:${seen.fields[i + 1]}\n`;
	}
	return `${text}\n${seen.kept ? 1 : 0}\n${seen.body}`;
}

let same = 0, refused = 0, differ = 0;

function judge(data, plain) {
	let got = read(data);
	if (got && plain.indexOf('\n\n-\n') === plain.indexOf('\n\n'))
		got = got.replace(/\n\n.\n/, '\n\n-\n');
	if (got === null) {
		if (++refused <= 5)
			console.log('node refuses', JSON.stringify(data.latin1Slice()));
	} else if (got === plain) {
		same++;
	} else if (++differ <= 20) {
		console.log('node reads this otherwise:', JSON.stringify(data.latin1Slice()),
		    JSON.stringify(plain), JSON.stringify(got));
	}
}

const room = Buffer.alloc(1 << 20);
let len = 0;
for (;;) {
	let n;
	try {
		n = fs.readSync(0, room, len, room.length - len);
	} catch (e) {
		if (e.code === 'EAGAIN')
			continue;
		throw e;
	}
	if (n === 0)
		break;
	len += n;
	let at = 0;
	while (len - at >= 8) {
		const a = room.readUInt32LE(at), b = room.readUInt32LE(at + 4);
		if (len - at < 8 + a + b)
			break;
		// A copy, because the parser keeps what it was given.
		const data = Buffer.from(room.subarray(at + 8, at + 8 + a));
		judge(data, room.latin1Slice(at + 8 + a, at + 8 + a + b));
		at += 8 + a + b;
	}
	room.copyWithin(0, at, len);
	len -= at;
}
console.log(`node (llhttp ${process.versions.llhttp}): ${same} the same, ${refused} refused, ` +
    `${differ} read otherwise`);
process.exit(differ > 0 ? 1 : 0);
