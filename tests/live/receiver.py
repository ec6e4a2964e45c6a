# SPDX-License-Identifier: GPL-2.0-or-later
"""receiver.py KIND ADDRESS OUT [CERTIFICATE KEY [CA]]: takes what outputs send.

KIND is unix (a datagram socket), journal (journald's own protocol), tcp or tls
(octet counting, strictly), http or https. Every message is one line of JSON in OUT,
written at once. http answers by the path: /ok takes all; /moody answers 500 to
the first two, never to the third, 503 to the fourth and takes the rest;
/picky/N refuses with 400 what has N in it.
"""
import array, json, os, socket, ssl, struct, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

kind, address, path = sys.argv[1:4]
out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def put(value):
    os.write(out, (json.dumps(value) + "\n").encode())


def datagrams():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if os.path.exists(address):
        os.unlink(address)
    os.makedirs(os.path.dirname(address), exist_ok=True)
    s.bind(address)
    os.chmod(address, 0o666)
    put("ready")
    while True:
        data, extra, _, _ = s.recvmsg(1 << 20, 1024)
        for level, what, fds in extra:
            fd = array.array("i", fds)[0]
            data = os.pread(fd, os.fstat(fd).st_size, 0)
            os.close(fd)
        yield data


def journal_fields(data):
    fields = {}
    while data:
        line, data = data.split(b"\n", 1)
        if b"=" in line:
            name, value = line.split(b"=", 1)
        else:
            name, n = line, struct.unpack("<Q", data[:8])[0]
            value, data = data[8 : 8 + n], data[9 + n :]
        fields[name.decode()] = value.decode()
    return fields


def frames(connection):
    data = b""
    while True:
        while True:
            n, space, rest = data.partition(b" ")
            if not space or len(rest) < int(n):
                break
            put(rest[: int(n)].decode())
            data = rest[int(n) :]
        more = connection.recv(65536)
        if not more:
            return
        data += more


def serve(connection, context, earlier):
    try:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        # Whoever has connected anew has given up the connection before, and
        # what came over that came first.
        for thread in earlier:
            thread.join()
        frames(connection)
    except (ssl.SSLError, ConnectionError) as e:
        put({"problem": str(e)})
    connection.close()


def stream(context):
    s = socket.create_server(("127.0.0.1", int(address)))
    put("ready")
    threads = []
    while True:
        connection, _ = s.accept()
        thread = threading.Thread(
            target=serve, args=(connection, context, threads[:]), daemon=True
        )
        threads.append(thread)
        thread.start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = 0

    def answer(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/moody":
            Handler.seen += 1
            if Handler.seen <= 2:
                return self.answer(500)
            if Handler.seen == 3:
                put({"problem": "hangs"})
                time.sleep(1000)
            if Handler.seen == 4:
                return self.answer(503, Retry_After="1")
        if self.path.startswith("/picky/"):
            if self.path[7:].encode() in body:
                put({"problem": "refused"})
                return self.answer(400)
        alert = json.loads(body)
        put({"headers": dict(self.headers), "alert": alert})
        self.answer(200)

    def log_message(self, *args):
        pass


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
    if len(sys.argv) > 6:
        context.load_verify_locations(sys.argv[6])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class Server(ThreadingHTTPServer):
    context = tls_context() if kind == "https" else None

    def finish_request(self, request, client):
        try:
            if self.context:
                request = self.context.wrap_socket(request, server_side=True)
            super().finish_request(request, client)
        except (ssl.SSLError, ConnectionError) as e:
            put({"problem": str(e)})


if kind == "unix":
    for d in datagrams():
        put(d.decode())
elif kind == "journal":
    for d in datagrams():
        if d:
            put(journal_fields(d))
elif kind in ("http", "https"):
    server = Server(("127.0.0.1", int(address)), Handler)
    put("ready")
    server.serve_forever()
else:
    stream(tls_context() if kind == "tls" else None)
