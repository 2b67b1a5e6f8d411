package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestAnEmptyEnvironmentHasNoFault(t *testing.T) {
	plan, err := readPlan(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if plan.crash || plan.unhealthy || plan.memoryMiB != 0 || plan.logLines != 0 || plan.cpuMillicores != 0 {
		t.Errorf("a fault nobody asked for: %+v", plan)
	}
	if plan.ports[0] != "8080" || plan.exitCode != 1 {
		t.Errorf("defaults: %+v", plan)
	}
}

func TestACrashAtOnceIsACrash(t *testing.T) {
	plan, err := readPlan(environment(map[string]string{"CRASH_AFTER": "0", "EXIT_CODE": "7"}))
	if err != nil || !plan.crash || plan.crashAfter != 0 || plan.exitCode != 7 {
		t.Errorf("%+v, %v", plan, err)
	}
}

func TestSecondsMayHaveAFraction(t *testing.T) {
	plan, err := readPlan(environment(map[string]string{"START_DELAY": "0.5"}))
	if err != nil || plan.startDelay != 500*time.Millisecond {
		t.Errorf("%v, %v", plan.startDelay, err)
	}
}

func TestAFaultThatCannotBeReadIsAnError(t *testing.T) {
	for _, name := range []string{"CRASH_AFTER", "EXIT_CODE", "MEMORY_MIB", "LOG_LINES_PER_SECOND"} {
		if _, err := readPlan(environment(map[string]string{name: "soon"})); err == nil {
			t.Errorf("%s=soon was taken", name)
		}
	}
}

// status asks a server with this environment's faults for a path.
func status(t *testing.T, handler http.Handler, path string) int {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code
}

func TestTheHealthPathFollowsTheFault(t *testing.T) {
	plan, err := readPlan(environment(map[string]string{"HEALTH_PATH": "/alive"}))
	if err != nil {
		t.Fatal(err)
	}
	handler := routes(plan, newFaults(plan))
	steps := []struct {
		path string
		want int
	}{
		{"/alive", 200}, {"/fault/unhealthy", 200}, {"/alive", 503}, {"/", 200},
		{"/fault/healthy", 200}, {"/alive", 200}, {"/fault/status?code=503", 503},
		{"/fault/status?code=many", 400},
	}
	for _, step := range steps {
		if got := status(t, handler, step.path); got != step.want {
			t.Errorf("%s: %d, not %d", step.path, got, step.want)
		}
	}
}
