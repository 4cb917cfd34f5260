// Lets a test steer a server from another process: POST /NAME with JSON calls commands[NAME].

import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** Starts to listen for commands, and says in one line of JSON where, with whatever else the test must know. */
export async function control(commands, more) {
  const server = createServer(async (request, response) => {
    try {
      const answer = await commands[request.url.slice(1)](JSON.parse(await text(request)));
      response.end(JSON.stringify(answer ?? null));
    } catch (error) {
      response.writeHead(500).end(String(error.stack));
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  console.log(JSON.stringify({ control: `http://127.0.0.1:${server.address().port}`, ...more }));
}
