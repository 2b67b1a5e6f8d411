// The HTTP server that plays every application of the tests.
module todo-agent.test/cluster/workload

go 1.26.0
