import Testing

@testable import GoogleCloud

@Suite struct AccessTokenTests {
    private func token(_ json: String) -> AccessToken? { AccessToken(json: Array(json.utf8)) }

    @Test func whatTheMetadataServerAnswers() {
        let expected = AccessToken(secret: "ya29.c.b0Aaek", lifetimeSeconds: 3599)
        #expect(self.token(#"{"access_token":"ya29.c.b0Aaek","expires_in":3599,"token_type":"Bearer"}"#) == expected)
        #expect(self.token(" {\n\"token_type\" : \"Bearer\" ,\t\"expires_in\":3599, \"access_token\":\"ya29.c.b0Aaek\"}\r\n") == expected)
    }

    @Test(
        arguments: [
            "", "{}", "null", "{\"access_token\":\"a\"}", "{\"access_token\":\"\",\"expires_in\":5}", "{\"access_token\":\"a\",\"expires_in\":0}",
            "{\"access_token\":\"a\",\"expires_in\":\"5\"}", "{\"access_token\":5,\"expires_in\":5}", "{\"access_token\":\"a\",\"expires_in\":5",
            "{\"access_token\":\"a\\n\",\"expires_in\":5}", "{\"access_token\":\"\u{E9}\",\"expires_in\":5}",
            "{\"access_token\":\"a\",\"expires_in\":5} x",
            "{\"access_token\":\"a\",\"expires_in\":99999999999999999999}", "[{\"access_token\":\"a\",\"expires_in\":5}]", "<html>",
        ])
    func anythingElseIsNoToken(_ json: String) {
        #expect(self.token(json) == nil)
    }

    @Test func itDoesNotPrint() throws {
        let token = try #require(self.token(#"{"access_token":"s3cret","expires_in":5}"#))
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!"\(token)\(dumped)".contains("s3cret"))
    }

    /// The schedule as a trace.
    @Test func schedule() {
        var schedule = RefreshSchedule()
        var trace: [Double] = []
        for _ in 0..<8 { trace.append(schedule.failed(random: 0)) }
        #expect(trace == [0.5, 1, 2, 4, 8, 16, 30, 30])
        #expect(schedule.fetched(lifetimeSeconds: 3600) == 3240)
        #expect(schedule.failed(random: 1) == 1)
        #expect(schedule.fetched(lifetimeSeconds: 2000) == 1700)
        #expect(schedule.fetched(lifetimeSeconds: 100) == 50)
        #expect(schedule.fetched(lifetimeSeconds: 43_200) == 38_880)
    }
}
