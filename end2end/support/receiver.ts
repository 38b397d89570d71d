// A program that is told what happens in a store: it keeps what it gets and answers as it is told to.

import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A webhook that came. */
export interface Taken {
  headers: IncomingHttpHeaders;
  body: string;
}

export class Receiver {
  /** What has come, in that order. */
  readonly taken: Taken[] = [];
  /** The status and the body of its answers. */
  answer: [number, string] = [200, "thanks"];

  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on("request", (request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        receiver.taken.push({ headers: request.headers, body: Buffer.concat(pieces).toString() });
        response.writeHead(receiver.answer[0]).end(receiver.answer[1]);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/octavo`;
  }

  /** The types of what has come. */
  types(): string[] {
    return this.taken.map(({ body }) => (JSON.parse(body) as { type: string }).type);
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Whether a webhook was signed with this secret (Standard Webhooks, "Signature scheme"). */
export function isSigned({ headers, body }: Taken, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const signature = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  return String(headers["webhook-signature"]).split(" ").includes(signature);
}
