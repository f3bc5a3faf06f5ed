// Package sourcefacts reads what a source is, and what there may stand in the
// way of reading it: the service it runs at, poolers before it, rights, sessions
// and slots, age, limits. It writes nothing, and a fact that a role may not read
// is named as unknown; nothing is concluded of it.
package sourcefacts

import (
	"time"

	"github.com/pg2db9/pg2db9/internal/provider"
)

// Facts are what is known of a source. The names of the JSON are a contract of
// assess's output; times are seconds, sizes bytes.
type Facts struct {
	Version    string `json:"version"`     // "PostgreSQL 15.18 (Debian ...)", the whole of version()
	VersionNum int    `json:"version_num"` // 150018
	Database   string `json:"database"`
	Bytes      int64  `json:"bytes"`
	Encoding   string `json:"encoding"`
	Collate    string `json:"collate"`
	CType      string `json:"ctype"`
	Monetary   string `json:"lc_monetary"`
	WALLevel   string `json:"wal_level"`
	SystemID   string `json:"system_identifier,omitempty"`

	Role         Role          `json:"role"`
	Clock        Clock         `json:"clock"`
	Provider     Provider      `json:"provider"`
	Pooler       Pooler        `json:"pooler"`
	Standby      *Standby      `json:"standby,omitempty"` // nil on a primary
	Connections  Connections   `json:"connections"`
	Wraparound   Wraparound    `json:"wraparound"`
	Transactions []Transaction `json:"long_transactions"`
	Hidden       int           `json:"hidden_sessions"` // of other roles: whether they are old is unknown
	Prepared     []Prepared    `json:"prepared_transactions"`
	Slots        []Slot        `json:"replication_slots"`
	Xmin         Xmin          `json:"xmin"`
	Limits       []Limit       `json:"limits"`
	Locks        Locks         `json:"locks"`
	Rights       Rights        `json:"rights"`

	Unknown []Unknown `json:"unknown"` // what could not be read
}

// Role is who reads.
type Role struct {
	Name        string `json:"name"`
	Superuser   bool   `json:"superuser"`
	BypassRLS   bool   `json:"bypass_rls"`
	Replication bool   `json:"replication"`
	Monitor     bool   `json:"monitor"` // sees the sessions of others
}

// Clock compares the source's clock with this machine's. A skew does no harm:
// nothing is decided by comparing the two (U11).
type Clock struct {
	Server      time.Time `json:"server"`
	SkewSeconds float64   `json:"skew_seconds"` // server minus here
	TripSeconds float64   `json:"trip_seconds"` // how exact that is
}

// Provider is where the source runs, and what there is the service's own.
type Provider struct {
	provider.Found
	Schemas       []Schema `json:"schemas"`
	Roles         []string `json:"roles"`
	Extensions    []string `json:"extensions"`
	EventTriggers []string `json:"event_triggers"`
	Publications  []string `json:"publications"`
	Databases     []string `json:"databases"`
}

// Schema is one of a provider's.
type Schema struct {
	Name   string `json:"name"`
	Tables int64  `json:"tables"`
}

// SchemaNames are the names of the provider's schemas.
func (p Provider) SchemaNames() []string {
	out := make([]string, len(p.Schemas))
	for i, s := range p.Schemas {
		out[i] = s.Name
	}
	return out
}

// Pooler says whether connections reach the server itself, and one server.
type Pooler struct {
	Asked       bool     `json:"asked"`
	Transaction bool     `json:"transaction"` // a session's statements reach several server sessions
	Session     bool     `json:"session"`     // something stands between, and keeps a session whole
	Balanced    bool     `json:"balanced"`    // connections reach several servers
	Snapshot    bool     `json:"snapshot"`    // one connection's snapshot can be joined by another
	Evidence    []string `json:"evidence"`
	Direct      string   `json:"direct,omitempty"` // how to reach the server itself
}

// Standby are the settings of a hot standby that decide about long reads.
type Standby struct {
	Feedback         bool    `json:"hot_standby_feedback"`
	StreamingDelayMS int64   `json:"max_standby_streaming_delay_ms"` // -1 is no end
	ArchiveDelayMS   int64   `json:"max_standby_archive_delay_ms"`
	BehindSeconds    float64 `json:"behind_seconds"` // -1 unknown
}

// Connections are what is free. -1 is no limit.
type Connections struct {
	Max           int64 `json:"max"`
	Reserved      int64 `json:"reserved"` // for superusers, and for pg_use_reserved_connections
	Used          int64 `json:"used"`
	DatabaseLimit int64 `json:"database_limit"`
	DatabaseUsed  int64 `json:"database_used"`
	RoleLimit     int64 `json:"role_limit"`
	RoleUsed      int64 `json:"role_used"`
	Free          int64 `json:"free"` // for this role
}

// free is what the least of the limits leaves.
func (c Connections) free(superuser bool) int64 {
	if superuser {
		return max(0, c.Max-c.Used)
	}
	n := c.Max - c.Reserved - c.Used
	if c.DatabaseLimit >= 0 {
		n = min(n, c.DatabaseLimit-c.DatabaseUsed)
	}
	if c.RoleLimit >= 0 {
		n = min(n, c.RoleLimit-c.RoleUsed)
	}
	return max(0, n)
}

// Wraparound is the database with the oldest identifiers of the cluster.
type Wraparound struct {
	Database     string  `json:"database"`
	XIDs         int64   `json:"xid_age"`
	MultiXacts   int64   `json:"multixact_age"`
	FreezeMaxAge int64   `json:"autovacuum_freeze_max_age"`
	Share        float64 `json:"share"` // of 2^31, of the older of the two
}

// Transaction is one that has been open for long.
type Transaction struct {
	PID         int64   `json:"pid"`
	Role        string  `json:"role"`
	Database    string  `json:"database"`
	Application string  `json:"application"`
	State       string  `json:"state"`
	Seconds     float64 `json:"seconds"`
	XminAge     int64   `json:"xmin_age"`
}

// Prepared is a prepared transaction.
type Prepared struct {
	GID      string  `json:"gid"`
	Owner    string  `json:"owner"`
	Database string  `json:"database"`
	Seconds  float64 `json:"seconds"`
	XminAge  int64   `json:"xmin_age"`
}

// Slot is a replication slot.
type Slot struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"` // physical, logical
	Plugin   string `json:"plugin,omitempty"`
	Database string `json:"database,omitempty"`
	Active   bool   `json:"active"`
	XminAge  int64  `json:"xmin_age"`
	Retained int64  `json:"retained_bytes"`
}

// Xmin is what holds vacuum back the furthest.
type Xmin struct {
	Age    int64  `json:"age"`
	Holder string `json:"holder,omitempty"`
}

// Limit is a limit of time that the server gives sessions.
type Limit struct {
	Name   string `json:"name"`
	Given  string `json:"given"` // milliseconds
	Source string `json:"source"`
	Lifted bool   `json:"lifted"` // this session could set it to 0
}

// Locks are the places of the lock table.
type Locks struct {
	PerTransaction int64 `json:"max_locks_per_transaction"`
	Room           int64 `json:"room"`
	Tables         int64 `json:"tables"`
}

// Unknown is a fact that could not be read, and why.
type Unknown struct {
	What string `json:"what"`
	Why  string `json:"why"`
}
