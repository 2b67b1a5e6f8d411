package main

import (
	"log"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// faults are the things that can go wrong in this process, each started by the
// environment or by a request.
type faults struct {
	plan      plan
	unhealthy atomic.Bool
	mutex     sync.Mutex
	memory    [][]byte
}

func newFaults(plan plan) *faults {
	result := &faults{plan: plan}
	result.unhealthy.Store(plan.unhealthy)
	return result
}

// start begins what the environment asked for and returns at once.
func (f *faults) start() {
	if f.plan.crash {
		go f.exit(f.plan.crashAfter, f.plan.exitCode)
	}
	if f.plan.unhealthyFrom > 0 {
		time.AfterFunc(f.plan.unhealthyFrom, func() { f.setHealthy(false) })
	}
	f.grow(f.plan.memoryMiB)
	if f.plan.memoryGrowth > 0 {
		go every(time.Second, func() { f.grow(f.plan.memoryGrowth) })
	}
	if f.plan.logLines > 0 {
		go every(time.Second, func() { f.flood(f.plan.logLines) })
	}
	if f.plan.cpuMillicores > 0 {
		f.burn(f.plan.cpuMillicores, 0)
	}
}

func (f *faults) setHealthy(healthy bool) {
	f.unhealthy.Store(!healthy)
	log.Printf("healthy: %v", healthy)
}

// exit ends the process with code, after a while.
func (f *faults) exit(after time.Duration, code int) {
	time.Sleep(after)
	log.Printf("fatal: exiting with code %d", code)
	os.Exit(code)
}

// grow takes MiB of memory and touches every page, so that it is resident.
func (f *faults) grow(mib int) {
	if mib <= 0 {
		return
	}
	block := make([]byte, mib<<20)
	for index := 0; index < len(block); index += 4096 {
		block[index] = 1
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.memory = append(f.memory, block)
	log.Printf("memory: %d MiB more", mib)
}

// flood writes numbered lines to the log.
func (f *faults) flood(lines int) {
	for line := range lines {
		log.Printf("flood line %d of %d", line+1, lines)
	}
}

// burn uses CPU for a while, or for ever when it is zero. Each core burns the
// same share of every tenth of a second.
func (f *faults) burn(millicores int, during time.Duration) {
	cores := min((millicores+999)/1000, runtime.NumCPU())
	busy := time.Duration(millicores) * 100 * time.Microsecond / time.Duration(cores)
	busy = min(busy, 100*time.Millisecond)
	began := time.Now()
	for range cores {
		go func() {
			for during == 0 || time.Since(began) < during {
				for slice := time.Now(); time.Since(slice) < busy; {
				}
				time.Sleep(100*time.Millisecond - busy)
			}
		}()
	}
}

func every(period time.Duration, act func()) {
	for range time.Tick(period) {
		act()
	}
}
