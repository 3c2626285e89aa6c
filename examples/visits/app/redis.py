"""The few words of redis' protocol that this example speaks."""
import socket


class Redis:
    def __init__(self, host="redis", port=6379, timeout=2.0):
        self.address, self.timeout = (host, port), timeout

    def call(self, *words, wait=0.0):
        """Sends one command on a connection of its own, so that a redis that moved is found again by its name."""
        request = b"*%d\r\n" % len(words)
        for word in words:
            data = str(word).encode()
            request += b"$%d\r\n%s\r\n" % (len(data), data)
        with socket.create_connection(self.address, self.timeout) as connection:
            connection.settimeout(self.timeout + wait)
            connection.sendall(request)
            with connection.makefile("rb") as reader:
                return self.read(reader)

    def read(self, reader):
        line = reader.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise OSError("redis: " + rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest.decode()
        if kind == b"$":
            return None if rest == b"-1" else reader.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == b"-1" else [self.read(reader) for _ in range(int(rest))]
        raise OSError("redis: the connection ended")
