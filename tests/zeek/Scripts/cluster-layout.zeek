# The cluster of the tests: all on loopback, on ports that btest has found free.
redef Cluster::nodes = {
	["manager"] = Cluster::Node($node_type=Cluster::MANAGER, $ip=127.0.0.1, $p=to_port(getenv("MANAGER_PORT"))),
	["proxy"] = Cluster::Node($node_type=Cluster::PROXY, $ip=127.0.0.1, $p=to_port(getenv("PROXY_PORT")),
	    $manager="manager"),
	["worker-1"] = Cluster::Node($node_type=Cluster::WORKER, $ip=127.0.0.1, $p=to_port(getenv("WORKER_1_PORT")),
	    $manager="manager"),
	["worker-2"] = Cluster::Node($node_type=Cluster::WORKER, $ip=127.0.0.1, $p=to_port(getenv("WORKER_2_PORT")),
	    $manager="manager"),
};
