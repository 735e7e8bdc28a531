"""Who is let in is decided by the header: nobody sends a film for nothing, and nobody's is read in vain."""
import contextlib
import http.client
import json
import socket
import unittest

from daemon import PATIENCE, DaemonTest

LARGE = 40_000_000


class Door(DaemonTest):
    def guarded(self):
        for name in ("maker", "boss"):
            (self.dir / name).write_text(f"{name}-key")
        keys = [{"name": "maker", "secret": {"file": "maker"}},
                {"name": "boss", "secret": {"file": "boss"}, "scopes": ["admin"]}]
        return self.daemon(self.providers("one", auth={"keys": keys}))

    @contextlib.contextmanager
    def call(self, reelgate, head, *headers):
        """The head of a call and nothing of its body: the socket, and what reads the answer."""
        with socket.create_connection(("127.0.0.1", reelgate.port), PATIENCE) as client:
            lines = [head + " HTTP/1.1", "host: localhost", *headers, "", ""]
            client.sendall("\r\n".join(lines).encode())
            yield client

    def answer(self, client):
        response = http.client.HTTPResponse(client)
        response.begin()
        return response, json.loads(response.read())["error"]["code"]

    def test_who_may_not_is_refused_before_the_body_is_read(self):
        reelgate = self.guarded()
        length, chunks = f"content-length: {LARGE}", "transfer-encoding: chunked"
        wait = "expect: 100-continue"
        wrong, boss = "authorization: Bearer nobody", "authorization: Bearer boss-key"
        maker = "authorization: Bearer maker-key"
        for head, headers, status, code in [
                ("POST /v1/videos", [length], 401, "invalid_api_key"),
                ("POST /v1/videos", [length, wrong], 401, "invalid_api_key"),
                ("POST /v1/videos", [chunks, wrong], 401, "invalid_api_key"),
                ("POST /v1/videos", [length, wrong, wait], 401, "invalid_api_key"),
                ("POST /v1/videos", [length, boss, wait], 403, "missing_scope"),
                ("POST /v1/config/check", [length, maker], 403, "missing_scope"),
                ("POST /v1/config/check", [length, boss, wait], 413, "payload_too_large"),
                ("POST /v1/nothing", [length, maker, wait], 404, "route_not_found"),
                ("PUT /v1/videos", [length, maker], 405, "method_not_allowed")]:
            with self.subTest(head=head, headers=headers), self.call(reelgate, head, *headers) as client:
                response, told = self.answer(client)
                self.assertEqual((response.status, told), (status, code))
                self.assertEqual(response.headers["connection"], "close")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(1), b"", "it is closed")

    def test_a_page_of_elsewhere_is_refused_before_the_body_is_read(self):
        reelgate = self.daemon(self.providers("one"))
        with self.call(reelgate, "POST /v1/videos", f"content-length: {LARGE}", "origin: https://evil.example") as client:
            response, told = self.answer(client)
            self.assertEqual((response.status, told), (403, "origin_not_allowed"))

    def test_who_sends_it_all_the_same_reads_the_answer(self):
        reelgate = self.guarded()
        answer = reelgate.ask("POST", "/v1/videos", b" " * 3_000_000, authorization="Bearer nobody")
        self.assertEqual((answer.status, answer.code), (401, "invalid_api_key"))

    def test_a_refusal_without_a_body_costs_no_connection(self):
        reelgate = self.guarded()
        connection = http.client.HTTPConnection("127.0.0.1", reelgate.port, timeout=PATIENCE)
        for headers, status in [({}, 401), ({"authorization": "Bearer boss-key"}, 403),
                                ({"authorization": "Bearer maker-key"}, 200)]:
            connection.request("GET", "/v1/videos", headers=headers)
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.status, status)
            self.assertIsNotNone(connection.sock, "it is kept")
        connection.close()

    def test_who_may_is_told_to_go_on(self):
        reelgate = self.guarded()
        body = json.dumps({"prompt": "x", "zz": "y" * 5_000_000}).encode()
        headers = [f"content-length: {len(body)}", "authorization: Bearer maker-key", "expect: 100-continue"]
        with self.call(reelgate, "POST /v1/videos", *headers) as client:
            self.assertEqual(client.recv(4096), b"HTTP/1.1 100 Continue\r\n\r\n")
            client.sendall(body)
            response = http.client.HTTPResponse(client)
            response.begin()
            self.assertEqual(response.status, 200, response.read())


if __name__ == "__main__":
    unittest.main()
