// An S3 server for tests, of another make than our client:
//
//   node server.mjs FOLDER BUCKET
//
// Says `ready PORT` once it listens on 127.0.0.1, keeps its objects below FOLDER, knows the key S3RVER with the secret
// S3RVER, and ends with its input. s3rver reads signatures of version 4 and checks none, so `signature.mjs` does: what
// is not signed, signed wrongly or too late is a 403, as it is at Amazon's.

import { createServer } from "node:http";
import S3rver from "s3rver";
import { refusal } from "./signature.mjs";

const [directory, bucket] = process.argv.slice(2);
const store = new S3rver({ directory, silent: true, configureBuckets: [{ name: bucket }] });
await store.configureBuckets();
const answer = store.callback();
const server = createServer((request, response) => {
  const why = refusal(request, "S3RVER", "S3RVER");
  if (why === undefined) return answer(request, response);
  request.resume();
  response.writeHead(403, { "content-type": "application/xml", connection: "close" });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${why}</Code><Message>${why}</Message></Error>`);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`ready ${server.address().port}\n`));
process.stdin.on("end", () => process.exit(0)).resume();
