// Whether a request is signed as Amazon describes it (Signature Version 4, in the header or in the query), by whoever
// knows the secret. Written after https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const escaped = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Why a request is refused: one of Amazon's words; nothing if it is not. */
export function refusal(request, keyId, secret, now = Date.now()) {
  const [path, search = ""] = request.url.split("?", 2);
  const query = search === "" ? [] : search.split("&").map((pair) => pair.split("=", 2).map(unescaped));
  const given = new Map(query.map(([name, value]) => [name, value ?? ""]));
  const presigned = given.has("X-Amz-Signature");
  let parts;
  if (presigned) {
    parts = ["Credential", "SignedHeaders", "Signature"].map((name) => given.get(`X-Amz-${name}`) ?? "");
  } else {
    const header = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/;
    parts = header.exec(request.headers.authorization ?? "")?.slice(1);
  }
  if (!parts) return "AccessDenied";
  const [credential, signedHeaders, signature] = parts;
  const [id, day, region, service, end] = credential.split("/");
  const date = (presigned ? given.get("X-Amz-Date") : request.headers["x-amz-date"]) ?? "";
  const at = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  if (id !== keyId) return "InvalidAccessKeyId";
  if (service !== "s3" || end !== "aws4_request" || !date.startsWith(day)) return "SignatureDoesNotMatch";
  const late = presigned ? Number(given.get("X-Amz-Expires")) * 1000 : 900_000;
  if (!(now - at <= late && at - now <= 900_000)) return "AccessDenied";

  const canonicalQuery = query
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value = ""]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join("&");
  const names = signedHeaders.split(";");
  if (!names.includes("host")) return "SignatureDoesNotMatch";
  const headers = names.map((name) => `${name}:${(request.headers[name] ?? "").trim().replace(/ +/g, " ")}\n`);
  const payload = presigned ? "UNSIGNED-PAYLOAD" : (request.headers["x-amz-content-sha256"] ?? "");
  const canonical = [request.method, path, canonicalQuery, headers.join(""), signedHeaders, payload].join("\n");
  const scope = [day, region, service, end].join("/");
  const text = ["AWS4-HMAC-SHA256", date, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const key = [day, region, service, end].reduce(hmac, `AWS4${secret}`);
  const expected = hmac(key, text);
  const actual = Buffer.from(signature, "hex");
  return actual.length === expected.length && timingSafeEqual(actual, expected) ? undefined : "SignatureDoesNotMatch";
}

function unescaped(text) {
  return decodeURIComponent(text.replace(/\+/g, " "));
}
