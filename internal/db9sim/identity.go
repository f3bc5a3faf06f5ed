package db9sim

import (
	"context"
	_ "embed" // core.sql
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// What the server says of its version, whatever it is.
const (
	serverVersion    = "16.0"
	serverVersionNum = "160000"
)

//go:embed core.sql
var coreSQL string

// ownSettings are DB9's own parameters with their defaults.
var ownSettings = map[string]string{
	"db9.dml_table_scan_max_rows": "10000",
	"db9.max_sort_bytes":          "268435456",
	"db9.hash_join_work_mem":      "268435456",
	"db9.retry_max_attempts":      "64",
	"db9.retry_timeout":           "0",
}

// installCore makes on the backend what judged statements call, and learns
// which parameters the backend has. A lock keeps stand-ins that start at the
// same time on one database apart.
func (j *judge) installCore(ctx context.Context, conn *pgconn.PgConn) error {
	sql := "BEGIN; SELECT pg_advisory_xact_lock(hashtext('db9sim'));" + coreSQL + "; COMMIT"
	if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("installing functions in schema _db9sim of the backend: %w", err)
	}
	result := conn.ExecParams(ctx, "SELECT lower(name) FROM pg_settings", nil, nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("reading the backend's parameters: %w", result.Err)
	}
	j.settings = make(map[string]bool, len(result.Rows))
	for _, row := range result.Rows {
		j.settings[string(row[0])] = true
	}
	result = conn.ExecParams(ctx, "SELECT oid FROM pg_type WHERE typcategory = 'A'", nil, nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("reading the backend's array types: %w", result.Err)
	}
	j.arrays = make(map[uint32]bool, len(result.Rows))
	for _, row := range result.Rows {
		oid, err := strconv.ParseUint(string(row[0]), 10, 32)
		if err != nil {
			return fmt.Errorf("reading the backend's array types: %w", err)
		}
		j.arrays[uint32(oid)] = true
	}
	// What SET knows and pg_settings does not list.
	for _, name := range []string{"role", "session_authorization", "timezone", "is_superuser"} {
		j.settings[name] = true
	}
	return nil
}

// runtimeParams are what a session starts with on the backend.
func (s *session) runtimeParams() map[string]string {
	params := map[string]string{}
	rules := s.sim.rules
	for k, v := range s.start.params {
		name := strings.ToLower(k)
		if !strings.HasPrefix(name, "_pq_.") && name != "options" && !strings.Contains(name, ".") &&
			rules.On("unknown-settings") && !s.sim.judge.settings[name] {
			continue
		}
		params[k] = v
	}
	if rules.On("repeatable-read") {
		params["default_transaction_isolation"] = "repeatable read"
	}
	if rules.On("body-validation") {
		params["check_function_bodies"] = "off"
	}
	if rules.On("db9-settings") {
		for k, v := range ownSettings {
			params[k] = v
		}
	}
	return params
}

// parameterStatus passes a run-time parameter on, as DB9 would report it.
func (s *session) parameterStatus(m *pgproto3.ParameterStatus) {
	if m.Name == "server_version" && s.sim.rules.On("server-version") {
		m = &pgproto3.ParameterStatus{Name: m.Name, Value: serverVersion}
	}
	if m.Name == "default_transaction_read_only" && s.sim.rules.On("idle-settings") {
		m = &pgproto3.ParameterStatus{Name: m.Name, Value: "off"}
	}
	s.client.Send(m)
}
