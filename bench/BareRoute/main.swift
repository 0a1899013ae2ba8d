// The bare router, as a measure for what the service's general path adds to it: one route that returns a constant. With HTTP2=on in the environment it speaks
// HTTP/2 in clear text, and nothing else.
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2

let environment = Environment()
let port = environment.get("PORT").flatMap { Int($0) } ?? 8080
let router = Router()
router.get("cache/**") { _, _ in
    Response(
        status: .ok, headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(string: #"{"success":true,"key":"key","value":"0123456789012345678901234567890123456789"}"#)))
}
let server: HTTPServerBuilder = environment.get("HTTP2") == "on" ? .plaintextHTTP2() : .http1()
try await Application(router: router, server: server, configuration: .init(address: .hostname("127.0.0.1", port: port))).runService()
