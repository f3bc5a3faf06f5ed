package assess

import (
	"slices"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

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
	{id: "serializable", title: "SERIALIZABLE", text: "Transactions are repeatable read. Where a decision depends on rows that others may change, lock them with SELECT ... FOR UPDATE.", codes: []finding.Code{usesSerializable}},
	{id: "listen-notify", title: "LISTEN and NOTIFY", text: "Poll a table, or use a queue or WebSockets.", codes: []finding.Code{usesNotify}},
	{id: "advisory-locks", title: "Advisory locks", text: "They hold on one node alone. Lock a row with SELECT ... FOR UPDATE, or keep a lease in a row.", codes: []finding.Code{usesAdvisory}},
	{id: "milliseconds", title: "Milliseconds", text: "Times are kept to the millisecond: a time that the application holds to the microsecond is not found again by equality, and two events may get the same time.", codes: []finding.Code{"type.precision", "key.precision"}},
	{id: "types", title: "Columns of another type", text: "Read the list of changed columns beside the application's mapping: values arrive in another type, and operators of the old one are not there.", codes: []finding.Code{"type.mapped", "type.expanded"}},
	{id: "partitions", title: "Partitions and children", text: "A tree of partitions is one table: dropping a partition becomes DELETE. Inherited tables stand apart: query each.", codes: []finding.Code{"table.flattened", "table.inheritance"}},
	{id: "indexes", title: "Slow indexes", text: "Measure the queries that GIN, GiST or hash indexes served: the table may be scanned instead.", codes: []finding.Code{"index.slow", "index.changed", "index.lost"}},
	{id: "row-security", title: "Row security", text: "The database hides no rows any more: the application must.", codes: []finding.Code{"table.row-security", "policy.left"}},
	{id: "constraints", title: "Checks that the database no longer makes", text: "Make them in the application: see constraints that are left or changed.", codes: []finding.Code{"constraint.lost", "constraint.changed"}},
	{id: "sequences", title: "Sequences by name", text: "A sequence of an identity column has another name: change what calls it.", codes: []finding.Code{"sequence.renamed"}},
}

// wayBack is how a move is taken back, from the guides and what they miss.
var wayBack = []advice{
	{id: "source", title: "The source stays as it is", text: "Nothing is written to it: until the application writes to the target, switching the connection string back is all. Keep it, with its users, until the target has been in use for as long as you would need to notice a fault."},
	{id: "branch", title: "A branch before the switch", text: "db9 branch create NAME --name before-switch keeps the target as it was when it was verified."},
	{id: "rows", title: "Rows written after the switch", text: "They are on the target alone. pg2db9 copies them back with the sides swapped: --source is the target, --target a PostgreSQL, --profile postgres. db9 db dump gives at most 50,000 rows or 16 MB a table; COPY as CSV is not to be trusted with line breaks and backslashes."},
	{id: "cleanup", title: "When all is well", text: "Close the access that was opened for the move (public address, security group, tunnel), revoke its passwords and roles, and only then give the source up."},
}

// Advise fills the report's advice: what every move to a DB9 needs, and what the
// findings of its databases make necessary.
func (r *Report) Advise(toDB9 bool) {
	r.Application, r.WayBack = []Advice{}, []Advice{}
	if toDB9 {
		for _, a := range applicationAdvice {
			if x, ok := a.of(r.Databases); ok {
				r.Application = append(r.Application, x)
			}
		}
	}
	for _, a := range wayBack {
		if toDB9 || a.id != "branch" {
			r.WayBack = append(r.WayBack, Advice{ID: a.id, Title: a.title, Text: a.text})
		}
	}
}

func (a advice) of(all []Database) (Advice, bool) {
	x := Advice{ID: a.id, Title: a.title, Text: a.text}
	if len(a.codes) == 0 {
		return x, true
	}
	seen := map[string]bool{}
	for _, d := range all {
		for _, f := range d.Findings {
			o := f.Object.String()
			if len(all) > 1 {
				o = d.Name + ": " + o
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
