package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

// routes are the server's paths. Every fault of the environment can also be
// started by a request; `/` says who answered.
func routes(plan plan, faults *faults) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host, _ := os.Hostname()
		log.Printf("%s %s", r.Method, r.URL.Path)
		fmt.Fprintf(w, "%s on %s\n", plan.name, host)
	})
	mux.HandleFunc(plan.healthPath, func(w http.ResponseWriter, _ *http.Request) {
		if faults.unhealthy.Load() {
			http.Error(w, "unhealthy", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("/fault/unhealthy", func(http.ResponseWriter, *http.Request) { faults.setHealthy(false) })
	mux.HandleFunc("/fault/healthy", func(http.ResponseWriter, *http.Request) { faults.setHealthy(true) })
	mux.HandleFunc("/fault/exit", withNumber("code", 1, func(_ http.ResponseWriter, code int) {
		go faults.exit(100*time.Millisecond, code)
	}))
	mux.HandleFunc("/fault/memory", withNumber("mib", 64, func(_ http.ResponseWriter, mib int) {
		faults.grow(mib)
	}))
	mux.HandleFunc("/fault/log", withNumber("lines", 1000, func(_ http.ResponseWriter, lines int) {
		faults.flood(lines)
	}))
	mux.HandleFunc("/fault/cpu", withNumber("seconds", 10, func(_ http.ResponseWriter, seconds int) {
		faults.burn(1000, time.Duration(seconds)*time.Second)
	}))
	mux.HandleFunc("/fault/slow", withNumber("milliseconds", 1000, func(w http.ResponseWriter, wait int) {
		time.Sleep(time.Duration(wait) * time.Millisecond)
		fmt.Fprintln(w, "slow")
	}))
	mux.HandleFunc("/fault/status", withNumber("code", 500, func(w http.ResponseWriter, code int) {
		if code < 200 || code > 599 {
			code = http.StatusBadRequest
		}
		w.WriteHeader(code)
	}))
	return mux
}

// withNumber reads one number from the query, or answers 400.
func withNumber(name string, otherwise int, act func(http.ResponseWriter, int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value := otherwise
		if text := r.URL.Query().Get(name); text != "" {
			var err error
			if value, err = strconv.Atoi(text); err != nil {
				http.Error(w, name+" is not a whole number", http.StatusBadRequest)
				return
			}
		}
		log.Printf("%s, %s %d", r.URL.Path, name, value)
		act(w, value)
	}
}
