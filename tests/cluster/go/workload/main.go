// Workload is an HTTP server whose misbehaviour is switched by its environment
// or, while it runs, by paths. The tests use it for every application that must
// start slowly, crash, grow, fail its probes, flood its log or burn CPU.
//
// It serves on every port of PORTS and stops at once on SIGTERM.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	log.SetOutput(os.Stdout)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)

	plan, err := readPlan(os.Getenv)
	if err != nil {
		log.Printf("bad environment: %v", err)
		os.Exit(2)
	}
	faults := newFaults(plan)
	go serveAfter(plan, faults)
	faults.start()

	log.Printf("stopping on %v", <-stop)
}

// plan is what the environment asks for. A zero switches the fault off.
type plan struct {
	ports         []string
	name          string
	startDelay    time.Duration // nothing listens before
	crashAfter    time.Duration
	crash         bool
	exitCode      int
	healthPath    string
	unhealthy     bool          // the health path answers 503 from the start
	unhealthyFrom time.Duration // … or from then on
	memoryMiB     int           // taken at once
	memoryGrowth  int           // MiB per second
	logLines      int           // lines per second
	cpuMillicores int
}

// readPlan reads the environment through get; what it cannot read is an error,
// because a fault that is silently not there makes a test lie.
func readPlan(get func(string) string) (plan, error) {
	read := reader{get: get}
	result := plan{
		ports:         strings.Split(read.text("PORTS", "8080"), ","),
		name:          read.text("NAME", "workload"),
		startDelay:    read.seconds("START_DELAY"),
		crash:         get("CRASH_AFTER") != "",
		crashAfter:    read.seconds("CRASH_AFTER"),
		exitCode:      read.number("EXIT_CODE", 1),
		healthPath:    read.text("HEALTH_PATH", "/health"),
		unhealthy:     get("UNHEALTHY") != "",
		unhealthyFrom: read.seconds("UNHEALTHY_AFTER"),
		memoryMiB:     read.number("MEMORY_MIB", 0),
		memoryGrowth:  read.number("MEMORY_MIB_PER_SECOND", 0),
		logLines:      read.number("LOG_LINES_PER_SECOND", 0),
		cpuMillicores: read.number("CPU_MILLICORES", 0),
	}
	return result, read.err
}

// reader turns variables into values and keeps the first error.
type reader struct {
	get func(string) string
	err error
}

func (r *reader) text(name, otherwise string) string {
	if value := r.get(name); value != "" {
		return value
	}
	return otherwise
}

func (r *reader) number(name string, otherwise int) int {
	text := r.get(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.Atoi(text)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s is not a whole number: %q", name, text)
	}
	return value
}

func (r *reader) seconds(name string) time.Duration {
	text := r.get(name)
	if text == "" {
		return 0
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s is not a number of seconds: %q", name, text)
	}
	return time.Duration(value * float64(time.Second))
}

// serveAfter listens on every port once the start delay is over.
func serveAfter(plan plan, faults *faults) {
	if plan.startDelay > 0 {
		log.Printf("%s starts in %v", plan.name, plan.startDelay)
		time.Sleep(plan.startDelay)
	}
	handler := routes(plan, faults)
	for _, port := range plan.ports {
		go func() {
			log.Printf("%s listens on port %s", plan.name, port)
			if err := http.ListenAndServe(":"+port, handler); err != nil {
				log.Printf("cannot listen: %v", err)
				os.Exit(1)
			}
		}()
	}
}
