// swift-tools-version: 6.2
import PackageDescription

// Every target speaks Swift 6 with the upcoming features that the next language mode will bring,
// so that imports are internal unless an API shows them and existentials are spelled.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let nio = "swift-nio"
let nioCore = Target.Dependency.product(name: "NIOCore", package: nio)
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: nio)
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

var targets: [Target] = [
    .systemLibrary(name: "CMalloc"),
    .target(name: "Bytes", dependencies: [nioCore], swiftSettings: settings),
    .target(name: "JSON", dependencies: ["Bytes", nioCore], swiftSettings: settings),
    .target(name: "Backoff", dependencies: [nioCore], swiftSettings: settings),
    .target(
        name: "OutboundHTTP",
        dependencies: [nioCore, .product(name: "AsyncHTTPClient", package: "async-http-client")],
        swiftSettings: settings
    ),
    .target(name: "OperatingSystem", dependencies: ["CMalloc", system], swiftSettings: settings),
    .target(name: "Histograms", swiftSettings: settings),
    .target(
        name: "Telemetry",
        dependencies: [
            "Bytes", "Histograms", "JSON", "OperatingSystem", nioCore, nioPosix, logging, metrics,
            .product(name: "Instrumentation", package: "swift-distributed-tracing"),
        ],
        swiftSettings: settings
    ),
    .target(name: "RESP", dependencies: [nioCore], swiftSettings: settings),
    .target(
        name: "RedisClient",
        dependencies: [
            "Bytes", "OperatingSystem", "RESP", nioCore, nioPosix, logging,
            .product(name: "DequeModule", package: "swift-collections"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "SwiftASN1", package: "swift-asn1"),
            .product(name: "X509", package: "swift-certificates"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "GoogleCloud",
        dependencies: [
            "Access", "Backoff", "Bytes", "OutboundHTTP", nioCore, logging, metrics,
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "JWTKit", package: "jwt-kit"),
            .product(name: "NIOHTTP1", package: nio),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "FactoryPlatform",
        dependencies: [
            "Backoff", "OutboundHTTP", nioCore, logging, metrics,
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "NIOHTTP1", package: nio),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "Access",
        dependencies: ["Bytes", nioCore, .product(name: "Crypto", package: "swift-crypto")],
        swiftSettings: settings
    ),
    .target(name: "MemoryStore", swiftSettings: settings),
    .target(
        name: "Cache",
        dependencies: [
            "Backoff", "Histograms", "MemoryStore", "RedisClient", "RESP", nioCore, logging, metrics,
            .product(name: "HashTreeCollections", package: "swift-collections"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "CacheAPI",
        dependencies: [
            "Access", "Bytes", "Cache", "JSON", "MemoryStore", "OperatingSystem", "Telemetry", nioCore,
            .product(name: "HTTPTypes", package: "swift-http-types"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "HTTPWire",
        dependencies: [
            "Access", "Bytes", "Cache", "CacheAPI", "Telemetry", nioCore, logging,
            .product(name: "DequeModule", package: "swift-collections"),
            .product(name: "Instrumentation", package: "swift-distributed-tracing"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOHTTP1", package: nio),
            .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "Console",
        dependencies: [
            "Access", "Cache", "CacheAPI", "HTTPWire", "Histograms", "JSON", "MemoryStore", "OperatingSystem", "RedisClient", "Telemetry",
            nioCore, logging,
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ],
        resources: [
            .embedInCode("Assets/dashboard.html"), .embedInCode("Assets/dashboard.css"), .embedInCode("Assets/dashboard.js"),
            .embedInCode("Assets/figures.js"), .embedInCode("Assets/plots.js"), .embedInCode("Assets/scales.js"),
            .embedInCode("Assets/text.js"), .embedInCode("Assets/tools.js"), .embedInCode("Assets/documentation.js"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "CacheHTTP",
        dependencies: [
            "Access", "Bytes", "Cache", "CacheAPI", "Console", "HTTPWire", "JSON", "OperatingSystem", "Telemetry",
            nioCore, nioPosix, logging,
            .product(name: "Tracing", package: "swift-distributed-tracing"),
            .product(name: "NIOHTTP1", package: nio),
            .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ],
        swiftSettings: settings
    ),
    .executableTarget(
        name: "RedisCachingAgent",
        dependencies: [
            "Access", "Cache", "CacheAPI", "CacheHTTP", "Console", "FactoryPlatform", "GoogleCloud", "HTTPWire", "MemoryStore", "OperatingSystem",
            "RESP", "RedisClient", "Telemetry",
            nioCore, nioPosix, logging, metrics, system,
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        ],
        swiftSettings: settings
    ),
]

let testSupport = Target.Dependency.target(name: "TestSupport")
let concurrencyHelpers = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: nio)

targets += [
    .target(
        name: "TestSupport",
        dependencies: [
            nioCore, nioPosix, concurrencyHelpers,
            .product(name: "CryptoExtras", package: "swift-crypto"),
            .product(name: "JWTKit", package: "jwt-kit"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOHTTP1", package: nio),
            .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        ],
        path: "Tests/TestSupport",
        swiftSettings: settings
    ),
    .target(
        name: "RedisTestSupport", dependencies: ["RedisClient", "RESP", nioCore], path: "Tests/RedisTestSupport", swiftSettings: settings),
    // Stores and connections to Redis that do as a test says.
    .target(
        name: "CacheTestSupport",
        dependencies: ["Cache", "RedisClient", "RESP", nioCore],
        path: "Tests/CacheTestSupport",
        swiftSettings: settings
    ),
    .testTarget(name: "BytesTests", dependencies: ["Bytes", testSupport, nioCore], swiftSettings: settings),
    .testTarget(name: "BackoffTests", dependencies: ["Backoff", nioCore], swiftSettings: settings),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "Bytes", testSupport, nioCore], swiftSettings: settings),
    .testTarget(
        name: "TelemetryTests",
        dependencies: [
            "Histograms", "Telemetry", testSupport, nioCore, nioPosix, logging, metrics,
            .product(name: "Instrumentation", package: "swift-distributed-tracing"),
        ],
        swiftSettings: settings
    ),
    .testTarget(
        name: "RESPTests",
        dependencies: ["RESP", testSupport, nioCore],
        swiftSettings: settings
    ),
    .testTarget(
        name: "RedisClientTests",
        dependencies: [
            "RedisClient", "RESP", "RedisTestSupport", testSupport, nioCore, nioPosix, logging, .product(name: "NIOEmbedded", package: nio),
        ],
        swiftSettings: settings
    ),
    .testTarget(
        name: "IntegrationTests",
        dependencies: ["Cache", "RedisClient", "RESP", "RedisTestSupport", testSupport, nioCore, nioPosix, logging],
        swiftSettings: settings
    ),
    .testTarget(
        name: "GoogleCloudTests",
        dependencies: [
            "Access", "GoogleCloud", testSupport, nioCore, nioPosix, logging, concurrencyHelpers,
            .product(name: "JWTKit", package: "jwt-kit"),
        ],
        swiftSettings: settings
    ),
    .testTarget(
        name: "FactoryPlatformTests",
        dependencies: [
            "FactoryPlatform", testSupport, nioCore, logging, concurrencyHelpers,
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
        ],
        swiftSettings: settings
    ),
    .testTarget(name: "AccessTests", dependencies: ["Access", testSupport, nioCore], swiftSettings: settings),
    .testTarget(name: "MemoryStoreTests", dependencies: ["CMalloc", "MemoryStore", testSupport], swiftSettings: settings),
    .testTarget(
        name: "CacheTests",
        dependencies: [
            "Backoff", "Cache", "CacheTestSupport", "Histograms", "MemoryStore", "RedisClient", "RESP", testSupport, nioCore, nioPosix, logging,
            .product(name: "NIOEmbedded", package: nio),
        ], swiftSettings: settings),
    .testTarget(
        name: "CacheHTTPTests",
        dependencies: [
            "Access", "Bytes", "Cache", "CacheAPI", "CacheHTTP", "CacheTestSupport", "Console", "HTTPWire", "Histograms", "JSON", "MemoryStore",
            "RedisClient", "Telemetry", testSupport, nioCore, nioPosix, logging,
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            .product(name: "NIOEmbedded", package: nio),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOHTTP1", package: nio),
            .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            .product(name: "Tracing", package: "swift-distributed-tracing"),
        ],
        resources: [.copy("Fixtures")],
        swiftSettings: settings
    ),
    .testTarget(
        name: "RedisCachingAgentTests",
        dependencies: [
            "RedisCachingAgent", "Cache", "CacheAPI", "Console", "FactoryPlatform", "HTTPWire", "MemoryStore", "RESP", "RedisClient", testSupport,
            nioCore, logging,
            .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ],
        swiftSettings: settings
    ),
    // What is fed with bytes of anybody's choice, for the tests and for the fuzzer.
    .target(
        name: "FuzzTargets",
        dependencies: [
            "Access", "Bytes", "Cache", "CacheAPI", "HTTPWire", "JSON", "RESP", "RedisClient", "Telemetry", nioCore,
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
        ],
        path: "Tests/FuzzTargets",
        swiftSettings: settings
    ),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", testSupport], exclude: ["Corpus"], swiftSettings: settings),
    // The built program while Redis and the network fail.
    .testTarget(
        name: "FaultTests",
        dependencies: [
            "RedisCachingAgent", testSupport, nioCore, nioPosix, concurrencyHelpers, .product(name: "DequeModule", package: "swift-collections"),
        ],
        swiftSettings: settings
    ),
    // The built program over real sockets.
    .testTarget(
        name: "ContractTests",
        dependencies: [
            "RedisCachingAgent", "Access", "CacheAPI", "CacheHTTP", "Console", "Telemetry", testSupport, nioCore, concurrencyHelpers,
        ],
        swiftSettings: settings),
]

// What only a measurement needs is built only for one: CACHE_BENCHMARKS=1 swift build -c release
if Context.environment["CACHE_BENCHMARKS"] != nil {
    targets += [
        .executableTarget(
            name: "bare-route",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
            ],
            path: "bench/BareRoute"),
        .executableTarget(
            name: "EvictionSimulation", dependencies: ["MemoryStore", testSupport], path: "bench/EvictionSimulation", swiftSettings: settings),
        .executableTarget(
            name: "MicroBenchmark",
            dependencies: [
                "Access", "Cache", "CacheAPI", "HTTPWire", "JSON", "MemoryStore", "RESP", nioCore, .product(name: "NIOEmbedded", package: nio),
            ],
            path: "bench/MicroBenchmark", swiftSettings: settings),
    ]
}

// The fuzzer's flags are for everything that is built with them: scripts/fuzz.
if Context.environment["CACHE_FUZZ"] != nil {
    targets.append(.executableTarget(name: "Fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz", swiftSettings: settings))
}

let package = Package(
    name: "redis-caching-agent",
    platforms: [.macOS(.v26)],
    products: [.executable(name: "redis-caching-agent", targets: ["RedisCachingAgent"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.20.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: targets,
    swiftLanguageModes: [.v6]
)
