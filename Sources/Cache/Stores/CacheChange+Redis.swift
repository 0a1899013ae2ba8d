import NIOCore
import RESP
import RedisClient

/// A change as one command of Redis with one reply.
///
/// What compares is a script, which Redis runs as one step. It goes as text each time: Redis finds it by its hash all the same, and nothing has to be
/// said twice when a server does not know it yet. It calls with `pcall` what may be refused, so that the reply is the error as Redis spells it. The
/// time to live that is kept is read within the script, because Redis 5 knows no `KEEPTTL`.
extension CacheChange {
    private static let evaluate = RESPArgument("EVAL")
    private static let oneKey = RESPArgument("1")

    /// ARGV: the placeholder, its time to live in milliseconds.
    private static let leaseScript = RESPArgument("return redis.pcall('SET',KEYS[1],ARGV[1],'PX',ARGV[2],'NX')")
    /// ARGV: what the key must hold, the new value, the time to live in milliseconds: -1 for none, 0 for what remains.
    private static let replaceScript = RESPArgument(
        """
        local held=redis.pcall('GET',KEYS[1]) if type(held)=='table' then return held end if held~=ARGV[1] then return 0 end \
        local ttl=ARGV[3] if ttl=='0' then ttl=redis.call('PTTL',KEYS[1]) if ttl==0 then ttl=1 end end \
        if tonumber(ttl)<0 then return redis.pcall('SET',KEYS[1],ARGV[2]) end return redis.pcall('SET',KEYS[1],ARGV[2],'PX',ttl)
        """)
    /// ARGV: what the key must hold.
    private static let removeScript = RESPArgument(
        """
        local held=redis.pcall('GET',KEYS[1]) if type(held)=='table' then return held end if held~=ARGV[1] then return 0 end \
        return redis.pcall('UNLINK',KEYS[1])
        """)
    /// ARGV: what the value must begin with, the time to live in milliseconds: -1 for none, 0 for what remains. `PERSIST` alone does not say whether the key
    /// is there.
    private static let expireScript = RESPArgument(
        """
        if redis.call('EXISTS',KEYS[1])==0 then return 0 end \
        if #ARGV[1]>0 then local start=redis.pcall('GETRANGE',KEYS[1],0,#ARGV[1]-1) \
        if type(start)=='table' then return start end if start~=ARGV[1] then return -1 end end \
        local done=1 if ARGV[2]=='-1' then done=redis.pcall('PERSIST',KEYS[1]) elseif ARGV[2]~='0' then done=redis.pcall('PEXPIRE',KEYS[1],ARGV[2]) end \
        if type(done)=='table' then return done end return 1
        """)

    /// ARGV: the time to live in milliseconds.
    private static let prolongScript = RESPArgument(
        """
        local left=redis.call('PTTL',KEYS[1]) if left==-2 then return 0 end \
        if left>=0 and left<tonumber(ARGV[1]) then return redis.pcall('PEXPIRE',KEYS[1],ARGV[1]) end return 1
        """)

    /// The command that carries the change out.
    func command(_ key: ByteBuffer) -> [RESPArgument] {
        let key = RESPArgument(key)
        return switch self {
        case .create(let value, .milliseconds(let ttl)): ["SET", key, RESPArgument(value), "PX", .integer(ttl), "NX"]
        case .create(let value, .none), .create(let value, .kept): ["SET", key, RESPArgument(value), "NX"]
        case .lease(let placeholder, let milliseconds):
            [Self.evaluate, Self.leaseScript, Self.oneKey, key, RESPArgument(placeholder), .integer(milliseconds)]
        case .replace(let expected, let value, let ttl):
            [Self.evaluate, Self.replaceScript, Self.oneKey, key, RESPArgument(expected), RESPArgument(value), .integer(ttl.scriptArgument)]
        case .remove(let expected): [Self.evaluate, Self.removeScript, Self.oneKey, key, RESPArgument(expected)]
        case .expire(let ttl, let prefix):
            [Self.evaluate, Self.expireScript, Self.oneKey, key, RESPArgument(prefix), .integer(ttl.scriptArgument)]
        case .prolong(let milliseconds): [Self.evaluate, Self.prolongScript, Self.oneKey, key, .integer(milliseconds)]
        }
    }

    /// The command that the user may lack the permission for without lacking it for the rest of the service; nil if there is none.
    var optionalCommand: String? {
        switch self {
        case .create: nil
        case .lease, .replace, .remove, .expire, .prolong: "EVAL"
        }
    }

    /// What a reply says.
    /// - Returns: nil if it is none to the command.
    func answer(_ reply: RESPValue) -> CacheAnswer? {
        switch (self, reply) {
        case (.create, .simpleOK), (.lease, .simpleOK), (.replace, .simpleOK): .stored(.redis)
        case (.create, .null), (.lease, .null), (.replace, .integer(0)), (.remove, .integer(0)): .conflict(.redis)
        case (.remove, .integer(1)): .deleted(.redis)
        case (.expire, .integer(0)), (.prolong, .integer(0)): .miss(.redis)
        case (.expire, .integer(-1)): .conflict(.redis)
        case (.expire, .integer(1)), (.prolong, .integer(1)): .stored(.redis)
        default: nil
        }
    }

    /// Whether a server does not let the service carry such changes out at all: the user may not, or the command has been taken away.
    func isRefused(with failure: RedisFailure) -> Bool {
        guard self.optionalCommand != nil else { return false }
        return switch failure.serverErrorPrefix {
        case "NOPERM": !failure.isAboutTheKey
        case "ERR": !failure.isAboutTheValue
        default: false
        }
    }
}

extension TimeToLive {
    fileprivate var scriptArgument: Int64 {
        switch self {
        case .none: -1
        case .milliseconds(let milliseconds): milliseconds
        case .kept: 0
        }
    }
}
