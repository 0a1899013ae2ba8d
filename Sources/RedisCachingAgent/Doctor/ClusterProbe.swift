import Logging
import NIOCore
import NIOPosix
import RESP
import RedisClient

/// What a cluster says of itself, and what its nodes say to those who ask from here.
struct ClusterFacts: Sendable {
    struct Node: Hashable, Sendable {
        /// Address and port, as the cluster names them.
        let name: String
        /// How many it owns; 0 for a replica.
        let slots: Int
        let isReplica: Bool
        /// Of an owner, how many nodes replicate it.
        let replicas: Int
        /// Why it does not answer; nil if it does.
        var failure: RedisFailure?
        /// nil if it does not say.
        var version: String?
    }

    /// Owners and their replicas.
    var nodes: [Node] = []
    /// Whether the node that was asked calls the cluster whole.
    var isWhole: Bool
    /// nil if Redis does not say.
    var nodeTimeoutMilliseconds: Int?
    /// Whether every node refuses every key while a slot is not served; nil if Redis does not say.
    var requiresFullCoverage: Bool?

    var owners: [Node] { self.nodes.filter { !$0.isReplica } }
    var servedSlots: Int { self.owners.reduce(0) { $0 + $1.slots } }
}

/// Asks one node who the others are, and then each of them.
struct ClusterProbe: Sendable {
    /// Nodes that are asked at the same time: each may take `REDIS_CONNECT_TIMEOUT_MS`.
    private static let nodesAtOnce = 8

    /// Of the node that is asked first.
    let configuration: RedisConfiguration
    let passwordProvider: (any RedisPasswordProvider)?

    /// - Parameter control: to the node that is asked first.
    func facts(_ control: RedisControl, _ view: ClusterTopology) async throws(RedisFailure) -> ClusterFacts {
        var facts = ClusterFacts(isWhole: view.isWhole)
        (facts.nodeTimeoutMilliseconds, facts.requiresFullCoverage) = await self.settings(control)
        facts.nodes = await self.asked(self.nodes(view, try await control.clusterMembers()))
        return facts
    }

    /// A client of another node, with the same credentials.
    func control(_ endpoint: RedisEndpoint) -> RedisControl {
        var configuration = self.configuration
        configuration.endpoint = endpoint
        return RedisControl(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: configuration, passwordProvider: self.passwordProvider,
            logger: Logger(label: "doctor", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private typealias Named = (node: ClusterFacts.Node, endpoint: RedisEndpoint?)

    private func nodes(_ view: ClusterTopology, _ members: [ClusterMember]) -> [Named] {
        var slots: [String: Int] = [:]
        for owner in view.owners where owner != ClusterTopology.nobody { slots[view.nodes[Int(owner)].identifier, default: 0] += 1 }
        return members.map { member in
            let endpoint = member.address.endpoint(askedAt: self.configuration.endpoint)
            let node = ClusterFacts.Node(
                name: endpoint?.description ?? ":\(member.address.port)", slots: member.owner == nil ? slots[member.identifier] ?? 0 : 0,
                isReplica: member.owner != nil, replicas: members.count { $0.owner == member.identifier })
            return (node, endpoint)
        }
    }

    private func asked(_ nodes: [Named]) async -> [ClusterFacts.Node] {
        await withTaskGroup(of: (Int, ClusterFacts.Node).self) { group in
            var answers = nodes.map(\.node)
            for (index, named) in nodes.enumerated() {
                if index >= Self.nodesAtOnce, let (place, node) = await group.next() { answers[place] = node }
                group.addTask { (index, await self.asked(named.node, named.endpoint)) }
            }
            for await (place, node) in group { answers[place] = node }
            return answers
        }
    }

    private func asked(_ node: ClusterFacts.Node, _ endpoint: RedisEndpoint?) async -> ClusterFacts.Node {
        var node = node
        guard let endpoint else {
            node.failure = RedisFailure(.connectFailed)
            return node
        }
        let control = self.control(endpoint)
        switch await control.pipeline([["INFO", "server"]]).first {
        case .success(let reply):
            node.version = reply.text.flatMap { RedisInformation(info: $0.readableBytesView, keyCount: nil).version }
        case .failure(let failure) where failure.serverErrorPrefix == "NOPERM": break
        case .failure(let failure): node.failure = failure
        case nil: break
        }
        await control.shutDown()
        return node
    }

    /// Managed ones refuse `CONFIG`.
    private func settings(_ control: RedisControl) async -> (timeout: Int?, requiresFullCoverage: Bool?) {
        let names = ["cluster-node-timeout", "cluster-require-full-coverage"]
        let replies = await control.pipeline(names.map { ["CONFIG", "GET", .string($0)] })
        let values = replies.map { reply -> String? in
            guard case .success(let value) = reply else { return nil }
            switch value {
            case .map(let pair) where pair.count == 2, .array(let pair) where pair.count == 2: return pair[1].text.map { String(buffer: $0) }
            default: return nil
            }
        }
        return (values.first?.flatMap { Int($0) }, values.last?.map { $0 == "yes" })
    }
}
