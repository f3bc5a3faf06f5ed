package sourcefacts

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// The codes of what facts of the source mean. They never change: users write
// them in --accept.
const (
	SourceProvider    finding.Code = "source.provider"
	ProviderSchema    finding.Code = "source.provider-schema"
	SourcePooler      finding.Code = "source.pooler"
	SourceBalanced    finding.Code = "source.balanced"
	SourceProxied     finding.Code = "source.session-pooler"
	SourceStandby     finding.Code = "source.standby"
	SourceGrants      finding.Code = "source.grants"
	SourceWraparound  finding.Code = "source.wraparound"
	SourceTransaction finding.Code = "source.long-transaction"
	SourcePrepared    finding.Code = "source.prepared-transaction"
	SourceSlot        finding.Code = "source.replication-slot"
	SourceTimeout     finding.Code = "source.timeout"
	SourceLocks       finding.Code = "source.locks"
	SourceHidden      finding.Code = "source.sessions-hidden"
	SourceUnknown     finding.Code = "source.unknown"
)

type rule struct {
	code     finding.Code
	severity finding.Severity
	reason   string
	remedy   string
}

var rules = []rule{
	{SourceProvider, finding.Info, "The source runs at a managed service: what is the service's own is not carried, and its poolers, tokens and rights have forms of their own.", "Read what the finding says of the service."},
	{ProviderSchema, finding.Left, "The schema belongs to the managed service, and is not carried by default.", "--include-schema takes it in; what refers to it has findings of its own."},
	{SourcePooler, finding.Block, "A transaction pooler stands before the source: settings, locks and the snapshot of a session are lost between its statements.", "Connect to the server itself in the form that the finding names."},
	{SourceBalanced, finding.Block, "Connections reach different servers: none could join the snapshot of another, and rows of two moments would be mixed.", "Name one server in --source."},
	{SourceProxied, finding.Info, "Something stands between that keeps sessions whole: it may have limits of time and of connections of its own.", "Connect to the server itself where that is possible."},
	{SourceStandby, finding.Info, "The source is a standby: it cancels reads that are in the way of what it replays. What was cancelled is read again; the snapshot itself can be lost so, and the run with it.", "Set hot_standby_feedback = on and max_standby_streaming_delay = -1 there for the time of the run, or read from the primary."},
	{SourceGrants, finding.Info, "The role lacks rights that the other findings name; this one has the whole script.", "Run the script on the source as the roles that its comments name."},
	{SourceWraparound, finding.Block, "Transaction identifiers of the source are nearly used up, and a long snapshot keeps vacuum from freeing them: at 75 % of 2^31 this is a warning, at 95 % it blocks.", "VACUUM FREEZE the oldest database first; at 95 % --accept lets the run go on in spite of it."},
	{SourceTransaction, finding.Info, "A transaction has been open for long: it may hold locks that the run waits for, and holds vacuum back.", "End it before the run, or let it come to its end."},
	{SourcePrepared, finding.Info, "A prepared transaction holds its locks, and vacuum back, until somebody ends it.", "COMMIT PREPARED or ROLLBACK PREPARED it."},
	{SourceSlot, finding.Info, "A replication slot that nobody reads keeps WAL, and a slot's xmin holds vacuum back.", "Drop it where nobody needs it: SELECT pg_drop_replication_slot('NAME')."},
	{SourceTimeout, finding.Info, "The server ends statements or sessions after a time, and a session cannot lift that.", "Lift it for the role: ALTER ROLE ... SET NAME = 0."},
	{SourceLocks, finding.Info, "The lock table has no room for all tables at once: tables beyond it are locked, and checked for changes, when their turn comes.", "Change no tables while the run is under way, or raise max_locks_per_transaction."},
	{SourceHidden, finding.Info, "Sessions of other roles are hidden from this one: whether one of them is in the way is not known.", "GRANT pg_read_all_stats to the role."},
	{SourceUnknown, finding.Info, "Something could not be asked of the source.", "None is needed: what it would have shown comes up during the run, if at all."},
}

// Rules lists every code of this package with its reason and remedy, by code.
func Rules() []finding.Rule {
	out := make([]finding.Rule, len(rules))
	for i, r := range rules {
		out[i] = finding.Rule{Code: r.code, Severity: r.severity, Reason: r.reason, Remedy: r.remedy}
	}
	slices.SortFunc(out, func(a, b finding.Rule) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return out
}

// Acceptable reports whether the user may go on in spite of a blocking finding
// of this code.
func Acceptable(code finding.Code) bool { return code == SourceWraparound }
