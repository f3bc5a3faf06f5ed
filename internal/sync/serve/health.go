package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	gosync "sync"
	"time"

	"github.com/pg2db9/pg2db9/internal/secret"
	"github.com/pg2db9/pg2db9/internal/sync/schedule"
)

// stuckAfter is how long the schedule may take to look at the clock again; it
// does so every minute.
const stuckAfter = 5 * time.Minute

// health is what the health endpoint tells.
type health struct {
	now           func() time.Time
	version, file string

	mu       gosync.Mutex
	loaded   time.Time
	bad      string // why the file could not be read again; "" is good
	turned   time.Time
	units    []schedule.UnitStatus
	stopping bool
}

func (h *health) turn(now time.Time, units []schedule.UnitStatus, stopping bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turned, h.units, h.stopping = now, units, stopping
}

func (h *health) reloaded(now time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.bad = secret.Redact(err.Error())
		return
	}
	h.loaded, h.bad = now, ""
}

// state is the answer of the health endpoint.
type state struct {
	Status  string      `json:"status"` // "ok", "stopping", "stuck"
	Version string      `json:"version"`
	File    string      `json:"file"`
	Loaded  time.Time   `json:"loaded"`
	Reload  string      `json:"reload_error,omitempty"`
	Units   []unitState `json:"units"`
}

type unitState struct {
	Unit    string       `json:"unit"`
	Running bool         `json:"running"`
	Next    *time.Time   `json:"next"` // null: never
	Failing []againState `json:"failing"`
}

type againState struct {
	Table string    `json:"table"`
	Again time.Time `json:"again"`
}

// look gives the state, and whether the process does its work. Tables that fail
// are no sign that it does not: they are told, and are what metrics are for.
func (h *health) look() (state, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := state{Status: "ok", Version: h.version, File: h.file, Loaded: h.loaded.UTC(), Reload: h.bad, Units: []unitState{}}
	for _, u := range h.units {
		x := unitState{Unit: u.Name, Running: u.Running, Failing: []againState{}}
		if !u.Next.IsZero() {
			next := u.Next.UTC()
			x.Next = &next
		}
		for _, f := range u.Failing {
			x.Failing = append(x.Failing, againState{Table: f.Table.String(), Again: f.At.UTC()})
		}
		s.Units = append(s.Units, x)
	}
	switch {
	case h.stopping:
		s.Status = "stopping"
	case h.now().Sub(h.turned) > stuckAfter:
		s.Status = "stuck"
	}
	return s, s.Status == "ok"
}

// ServeHTTP implements http.Handler.
func (h *health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s, good := h.look()
	w.Header().Set("Content-Type", "application/json")
	if !good {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(s) // whoever asked has gone
}

// ListenError is an address that cannot be listened at.
type ListenError struct {
	Addr string
	Err  error
}

// Error implements error.
func (e *ListenError) Error() string {
	return fmt.Sprintf("listening at %s for the health endpoint: %v; --listen names another address, or none", e.Addr, e.Err)
}

// Unwrap is the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// listen opens the health endpoint.
func (s *server) listen(ctx context.Context) (func(), error) {
	if s.Listen == "" {
		return func() {}, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, &ListenError{Addr: s.Listen, Err: err}
	}
	s.health.turn(s.Clock.Now(), nil, false)
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", s.health)
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics.Handler())
	}
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 1 << 16,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends by Close
	}()
	s.tell(func(t Teller) { t.Listening(l.Addr().String()) })
	return func() {
		_ = srv.Close()
		<-done
	}, nil
}
