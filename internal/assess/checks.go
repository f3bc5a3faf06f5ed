package assess

import (
	"slices"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/scan"
)

// check is one check of the migration guides: the findings that answer it.
type check struct {
	id, title string
	codes     []finding.Code // any of these
	kinds     []string       // of objects of these kinds alone; empty: of any
	reason    string
	remedy    string
	unknown   func(*Input) string // why it was not looked at; nil: it always is
}

func noBodies(in *Input) string {
	if in.Facts == nil {
		return "the source was not asked"
	}
	return ""
}

func noScan(in *Input) string {
	if in.Scan == nil {
		return "no rows were looked at: --scan-data sample, or full"
	}
	return ""
}

// checks are the guides' own, in their order, and those that they miss.
var checks = []check{
	{
		id: "partitions", title: "Partitioned tables", codes: []finding.Code{"table.flattened"},
		reason: "DB9 has no partitions: the rows of a tree arrive in one table.", remedy: "Replace the dropping of partitions by DELETE, and queries that name a partition by a condition.",
	},
	{
		id: "inheritance", title: "Inheritance", codes: []finding.Code{"table.inheritance"},
		reason: "DB9 has no inheritance: parent and children arrive as tables of their own, and a query of the parent no longer sees the children's rows.", remedy: "Query each, or a view over them.",
	},
	{
		id: "policies", title: "Row security and its policies", codes: []finding.Code{"table.row-security", "policy.left", "policy.changed"},
		reason: "DB9's guides know no row security: whoever may read a table reads all its rows.", remedy: "Check who may read in the application, and grant no rights on such a table before that.",
	},
	{
		id: "foreign-data", title: "Foreign data: wrappers, servers, tables", kinds: []string{"foreign table", "server", "foreign data wrapper", "user mapping", "table"},
		codes:  []finding.Code{"table.foreign", "object.left"},
		reason: "DB9 reads no other servers.", remedy: "Copy the rows into a table of its own, or ask the other server from the application.",
	},
	{
		id: "replication", title: "Publications and subscriptions", kinds: []string{"publication", "subscription"}, codes: []finding.Code{"object.left"},
		reason: "No stream of changes leads into or out of DB9.", remedy: "Find out who reads the publication, and feed it in another way, before the switch.",
	},
	{
		id: "advisory-locks", title: "Advisory locks", codes: []finding.Code{usesAdvisory}, unknown: noBodies,
		reason: "On DB9 an advisory lock holds on one node alone: it keeps nobody out for certain.", remedy: "Lock a row with SELECT ... FOR UPDATE, or keep a lease in a row. Look through the application too: only the database's own code was read.",
	},
	{
		id: "listen-notify", title: "LISTEN and NOTIFY", codes: []finding.Code{usesNotify}, unknown: noBodies,
		reason: "DB9 has neither.", remedy: "Poll a table, or use a queue or WebSockets. Look through the application too: only the database's own code was read.",
	},
	{
		id: "extensions", title: "Extensions, and what needs them", codes: []finding.Code{"extension.left", extensionUsed},
		reason: "DB9 has nine extensions of its own choice.", remedy: "See who needs each: what nobody needs can be forgotten.",
	},
	{
		id: "plpgsql", title: "PL/pgSQL that DB9 does not run", codes: []finding.Code{"routine.unsupported", "routine.left"},
		reason: "WHILE, EXECUTE, EXCEPTION blocks, cursors and LOOP are not in DB9's PL/pgSQL, and it looks at a body only when it is called.", remedy: "Write the routine anew without them, or move it into the application.",
	},
	{
		id: "serializable", title: "SERIALIZABLE transactions", codes: []finding.Code{usesSerializable}, unknown: noBodies,
		reason: "DB9 has snapshot isolation alone: write skew is possible.", remedy: "SELECT ... FOR UPDATE what a decision depends on. Look through the application too: only settings and the database's own code were read.",
	},
	{
		id: "index-methods", title: "GIN, GiST, hash and other index methods", codes: []finding.Code{"index.slow", "index.changed", "index.lost"}, kinds: []string{"index"},
		reason: "DB9 may take such an index and scan the table all the same, or has another method in its place.", remedy: "Measure the queries that need it.",
	},
	{
		id: "timestamps", title: "Times finer than a millisecond", codes: []finding.Code{"type.precision", "key.precision"},
		reason: "DB9 keeps milliseconds: finer values are rounded, and keys that differ only there collide.", remedy: "Where microseconds matter, keep them in a bigint or text; look for keys that collide with --scan-data.",
	},
	{
		id: "encoding", title: "Encoding other than UTF-8", codes: []finding.Code{"source.encoding", encodingRecoded},
		reason: "DB9 takes UTF-8 alone.", remedy: "Correct texts that cannot be recoded on the source.",
	},
	{
		id: "types", title: "Types that DB9 does not have", codes: []finding.Code{"type.mapped", "type.refused", "type.unavailable", "type.expanded", "type.left", "value.refused"},
		reason: "Each value travels in a form that keeps it, and the column has another type.", remedy: "Check what the application does with such a column; map or exclude those that block.",
	},
	{
		id: "numeric", title: "Numbers without a bound", codes: []finding.Code{"type.unbounded"},
		reason: "DB9 keeps 28 digits, and neither NaN nor infinities.", remedy: "Look for such rows with --scan-data.",
	},
	{
		id: "keys", title: "Tables without a key", codes: []finding.Code{"table.no-key", "table.unproven"},
		reason: "Rows without a key cannot be told apart: not when they are compared, nor when a piece is loaded again.", remedy: "Add a primary key before the move.",
	},
	{
		id: "constraints", title: "Constraints that are lost or weaker", codes: []finding.Code{"constraint.lost", "constraint.changed", "not-null.lost"},
		reason: "DB9 checks at once and knows no exclusion constraints.", remedy: "Check in the application what the database no longer does.",
	},
	{
		id: "rules", title: "Rules and event triggers", codes: []finding.Code{"rule.left", "event-trigger.left"},
		reason: "DB9's guides have rules removed; event triggers are unknown to it.", remedy: "Do the same by triggers, or in the application.",
	},
	{
		id: "triggers", title: "Triggers that are lost, or act otherwise", codes: []finding.Code{"trigger.left", "trigger.changed", "trigger.late"},
		reason: "DB9 fires triggers for rows, perhaps after the statement, and always: while rows are loaded too.", remedy: "Do in the application what a trigger no longer does; read nothing in the same transaction that an AFTER trigger writes.",
	},
	{
		id: "views", title: "Views that are lost, or differ", codes: []finding.Code{"view.lost", "view.changed", "view.not-filled", "filter.view"},
		reason: "A view needs all that its query reads and calls.", remedy: "Write it anew without what the target lacks.",
	},
	{
		id: "rights", title: "Roles, owners and privileges", codes: []finding.Code{"role.left", "role.changed", "owner.left", "privilege.left", "privilege.changed", "default-privilege.left", "setting.left", "label.left"},
		reason: "They are carried where --roles, --owners and --privileges ask for it; passwords are never read.", remedy: "Ask for them, or make them by hand.",
	},
	{
		id: "large-objects", title: "Large objects", kinds: []string{"large object", "large objects"}, codes: []finding.Code{"object.left", "large-object.left"},
		reason: "DB9 has none; they are not copied.", remedy: "Move them into a bytea column, or into a store for files, before the move.",
	},
	{
		id: "unlogged", title: "Unlogged tables, storage options, tablespaces", codes: []finding.Code{"table.logged", "table.options", "table.tablespace", "table.access-method"},
		reason: "They say how PostgreSQL stores a table; DB9 stores it in its own way.", remedy: "None is needed.",
	},
	{
		id: "collations", title: "Collations", codes: []finding.Code{"collation.lost"},
		reason: "Texts may sort and compare in another order.", remedy: "Check lists that the application shows sorted, and unique keys over texts.",
	},
	{
		id: "view-nesting", title: "Views more than 64 deep", codes: []finding.Code{viewNesting},
		reason: "DB9 follows views 64 deep.", remedy: "Write them anew with fewer steps.",
	},
	{
		id: "values", title: "Rows that would change or fail", codes: nil, unknown: noScan,
		reason: "A single value that DB9 does not take stops the load of its table.", remedy: "Correct the rows on the source, map the column, or exclude the table.",
	},
	{
		id: "privileges", title: "Rights of the source's role", codes: []finding.Code{"source.privilege", "source.row-security"},
		reason: "What cannot be read cannot be copied.", remedy: "Run the GRANT that each finding names.",
	},
}

// mostObjects is how many objects a check names; Findings has them all.
const mostObjects = 20

// mostGrouped is how many objects of a group a page names.
const mostGrouped = 200

// answer makes the result of a check.
func (c check) answer(in *Input, all []Finding) CheckResult {
	r := CheckResult{ID: c.id, Title: c.title, State: None, Reason: c.reason, Remedy: c.remedy}
	seen := map[finding.Object]bool{}
	for _, f := range all {
		if !slices.Contains(c.codes, f.Code) || len(c.kinds) > 0 && !slices.Contains(c.kinds, f.Object.Kind) || seen[f.Object] {
			continue
		}
		seen[f.Object] = true
		r.Count++
		if len(r.Objects) < mostObjects {
			r.Objects = append(r.Objects, f.Object.String())
		}
	}
	if c.id == "values" && in.Scan != nil {
		for _, x := range in.Scan.Items {
			if x.State != scan.Found {
				continue
			}
			r.Count++
			if len(r.Objects) < mostObjects {
				r.Objects = append(r.Objects, x.Object.String()+": "+x.Kind)
			}
		}
		if r.Count == 0 && !in.Scan.Complete {
			r.State, r.Note = Unknown, "none was found, but not every row was looked at"
		}
	}
	switch {
	case r.Count > 0:
		r.State = Found
	case c.unknown != nil && c.unknown(in) != "":
		r.State, r.Note = Unknown, c.unknown(in)
	}
	return r
}
