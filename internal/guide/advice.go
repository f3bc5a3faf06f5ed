// Package guide holds what a move asks of its user outside of the database: what
// the application must change, what to close and revoke, the way back. It is a
// leaf, shared by the assessment before a move and the report after it.
package guide

import (
	"slices"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// Advice is one thing to do outside of the database.
type Advice struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Text    string   `json:"text"`
	Because []string `json:"because,omitempty"` // objects that make it necessary; empty: every move needs it
	Count   int      `json:"count"`             // of those objects
}

// advice is what to do outside of the database: always, or where findings of
// its codes stand.
type advice struct {
	id, title, text string
	codes           []finding.Code // empty: every move needs it
}

// applicationAdvice is what DB9's guides ask of an application, in the order in
// which it is met.
var applicationAdvice = []advice{
	{id: "connection", title: "New connection string", text: "The user is TENANT.ROLE, the port 5433, the database postgres, with sslmode=require: postgres://TENANT.ROLE:PASSWORD@HOST:5433/postgres?sslmode=require. Take it whole from db9 db status NAME --json; never compose it."},
	{id: "pooler", title: "No pooler between", text: "Take PgBouncer, pgpool, RDS Proxy or a provider's pooling out of the way, and keep a pool of 10 to 20 connections in the application; more gain nothing. A connection costs 200 to 300 ms to open."},
	{id: "credentials", title: "Passwords", text: "There is no IAM login: take such code out. Connect tokens live for minutes: ask for one at each connect, or use a long-lived key."},
	{id: "timeouts", title: "Timeouts and idle connections", text: "A statement ends after 60 seconds, and so does a transaction that waits: cut long statements into pieces. TCP keepalive of 30 s idle, 10 s between, 5 times, keeps the load balancer from dropping idle connections."},
	{id: "retries", title: "Round trips and conflicts", text: "The database is 100 to 200 ms away: gather statements. A transaction may be refused with 40001 when another wrote first: try it again."},
	{id: "operations", title: "What the provider did", text: "No read replicas, no automatic backup (db9 db dump is the only one), no subscription to changes: monitoring, followers, dataclips and add-ons are to be built anew."},
	{id: "serializable", title: "SERIALIZABLE", text: "Transactions are repeatable read. Where a decision depends on rows that others may change, lock them with SELECT ... FOR UPDATE.", codes: []finding.Code{"application.serializable"}},
	{id: "listen-notify", title: "LISTEN and NOTIFY", text: "Poll a table, or use a queue or WebSockets.", codes: []finding.Code{"application.notify"}},
	{id: "advisory-locks", title: "Advisory locks", text: "They hold on one node alone. Lock a row with SELECT ... FOR UPDATE, or keep a lease in a row.", codes: []finding.Code{"application.advisory-locks"}},
	{id: "milliseconds", title: "Milliseconds", text: "Times are kept to the millisecond: a time that the application holds to the microsecond is not found again by equality, and two events may get the same time.", codes: []finding.Code{"type.precision", "key.precision"}},
	{id: "types", title: "Columns of another type", text: "Read the list of changed columns beside the application's mapping: values arrive in another type, and operators of the old one are not there.", codes: []finding.Code{"type.mapped", "type.expanded"}},
	{id: "partitions", title: "Partitions and children", text: "A tree of partitions is one table: dropping a partition becomes DELETE. Inherited tables stand apart: query each.", codes: []finding.Code{"table.flattened", "table.inheritance"}},
	{id: "indexes", title: "Slow indexes", text: "Measure the queries that GIN, GiST or hash indexes served: the table may be scanned instead.", codes: []finding.Code{"index.slow", "index.changed", "index.lost"}},
	{id: "row-security", title: "Row security", text: "The database hides no rows any more: the application must.", codes: []finding.Code{"table.row-security", "policy.left"}},
	{id: "triggers", title: "Triggers", text: "Do in the application what a trigger no longer does, and read nothing in the same transaction that an AFTER trigger writes.", codes: []finding.Code{"trigger.left", "trigger.changed", "trigger.late", "rule.left"}},
	{id: "constraints", title: "Checks that the database no longer makes", text: "Make them in the application: see constraints that are left or changed.", codes: []finding.Code{"constraint.lost", "constraint.changed"}},
	{id: "sequences", title: "Sequences by name", text: "A sequence of an identity column has another name: change what calls it.", codes: []finding.Code{"sequence.renamed"}},
}

// wayBack is how a move is taken back, from the guides and what they miss.
var wayBack = []advice{
	{id: "source", title: "The source stays as it is", text: "Nothing is written to it: until the application writes to the target, switching the connection string back is all. Keep it, with its users, until the target has been in use for as long as you would need to notice a fault."},
	{id: "branch", title: "A branch before the switch", text: "db9 branch create NAME --name before-switch keeps the target as it was when it was verified."},
	{id: "rows", title: "Rows written after the switch", text: "They are on the target alone. COPY TABLE TO STDOUT, in text and not as CSV, gives a table whole, with the rows that the source has already: load it beside, and take over by key what is new."},
	{id: "dump", title: "db9 db dump", text: "It gives at most 50,000 rows or 16 MB a table: small tables alone come back by it."},
	{id: "cleanup", title: "When all is well", text: "Close the access that was opened for the move (public address, security group, tunnel), revoke its passwords and roles, and only then give the source up."},
}

// mostObjects is how many objects an advice names; its count has all.
const mostObjects = 20

// Found are the findings of one database.
type Found struct {
	Database string
	Findings []finding.Finding
}

// Application is what the application must change for a DB9: what every move
// needs, and what the findings make necessary.
func Application(all []Found) []Advice {
	out := []Advice{}
	for _, a := range applicationAdvice {
		if x, ok := a.of(all); ok {
			out = append(out, x)
		}
	}
	return out
}

// WayBack is how a move is taken back.
func WayBack(toDB9 bool) []Advice {
	out := []Advice{}
	for _, a := range wayBack {
		if toDB9 || a.id != "branch" && a.id != "dump" {
			out = append(out, Advice{ID: a.id, Title: a.title, Text: a.text})
		}
	}
	return out
}

func (a advice) of(all []Found) (Advice, bool) {
	x := Advice{ID: a.id, Title: a.title, Text: a.text}
	if len(a.codes) == 0 {
		return x, true
	}
	seen := map[string]bool{}
	for _, d := range all {
		for _, f := range d.Findings {
			o := f.Object.String()
			if len(all) > 1 {
				o = d.Database + ": " + o
			}
			if !slices.Contains(a.codes, f.Code) || seen[o] {
				continue
			}
			seen[o] = true
			x.Count++
			if len(x.Because) < mostObjects {
				x.Because = append(x.Because, o)
			}
		}
	}
	return x, x.Count > 0
}

// Codes are those of the findings that an advice goes by.
func Codes() []finding.Code {
	var out []finding.Code
	for _, a := range applicationAdvice {
		out = append(out, a.codes...)
	}
	return out
}
