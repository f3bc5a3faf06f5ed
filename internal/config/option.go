package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is the type of an option's value.
type Kind int

// The kinds of option.
const (
	Text   Kind = iota + 1
	Number      // a whole number
	Switch      // true or false
	List        // may be given several times
)

// Option is one option: a flag, an environment variable and a key of the file
// by the same name.
type Option struct {
	Name    string
	Kind    Kind
	Default string
	Holder  string   // what stands for the value in help: "URL"
	Values  []string // all that are allowed; empty is no bound
	Usage   string
	Aliases []string
	Whole   bool // of a list: an environment variable holds one value, commas and all

	ref func(*Config) any // *string, *Secret, *int, *bool or *[]string
}

// Env is the environment variable of the option.
func (o Option) Env() string {
	return "PG2DB9_" + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
}

// The values of --on-existing.
const (
	Refuse   = "refuse"
	Truncate = "truncate"
	Drop     = "drop"
)

// The values of --on-changed.
const (
	Reconcile = "reconcile"
	Reload    = "reload"
	StopThere = "stop"
)

// The values of --on-row-error.
const (
	RowStop   = "stop"
	RowTable  = "table"
	RowReject = "reject"
)

// The values of --profile that are no file.
const (
	ProfileAuto     = "auto"
	ProfileDB9      = "db9"
	ProfilePostgres = "postgres"
)

// The values of --primary-key.
const (
	KeyAuto   = "auto"
	KeyInline = "inline"
	KeyAfter  = "after"
)

// The values of --split-by.
const (
	SplitAuto = "auto"
	SplitCtid = "ctid"
	SplitKey  = "key"
	SplitNone = "none"
)

// The values of --format.
const (
	FormatText   = "text"
	FormatBinary = "binary"
)

// The values of --exclude-column-keys.
const (
	RefuseKeys = "refuse"
	DropKeys   = "drop"
)

// The values of --level.
const (
	LevelSchema = "schema"
	LevelCounts = "counts"
	LevelDigest = "digest"
	LevelRows   = "rows"
	LevelDeep   = "deep"
)

// The values of --probe.
const (
	ProbeAuto   = "auto"
	ProbeAlways = "always"
	ProbeNever  = "never"
)

var options = slices.Concat(mainOptions, benchOptions)

var mainOptions = []Option{
	{
		Name: "source", Kind: Text, Holder: "URL", ref: func(c *Config) any { return &c.Source },
		Usage: "the PostgreSQL `URL` to read from; libpq's variables, service and password files complete it",
	},
	{
		Name: "target", Kind: Text, Holder: "URL", ref: func(c *Config) any { return &c.Target },
		Usage: "the DB9 or PostgreSQL `URL` to write to",
	},
	{
		Name: "source-url-command", Kind: Text, Holder: "COMMAND", ref: func(c *Config) any { return &c.SourceURLCommand },
		Usage: "run `COMMAND` by the shell at every connect, and take the source's URL from its first line",
	},
	{
		Name: "target-url-command", Kind: Text, Holder: "COMMAND", ref: func(c *Config) any { return &c.TargetURLCommand },
		Usage: "run `COMMAND` by the shell at every connect, and take the target's URL from its first line",
	},
	{
		Name: "source-password-command", Kind: Text, Holder: "COMMAND", ref: func(c *Config) any { return &c.SourcePasswordCommand },
		Usage: "run `COMMAND` by the shell at every connect, and take the source's password from its first line",
	},
	{
		Name: "target-password-command", Kind: Text, Holder: "COMMAND", ref: func(c *Config) any { return &c.TargetPasswordCommand },
		Usage: "run `COMMAND` by the shell at every connect, and take the target's password from its first line",
	},
	{
		Name: "network-timeout", Kind: Number, Default: "60", Holder: "SECONDS", ref: func(c *Config) any { return &c.NetworkTimeout },
		Usage: "give a connection up when the network gives no sign of the other side for `SECONDS`",
	},
	{
		Name: "source-ssh", Kind: Text, Holder: "BASTION", ref: func(c *Config) any { return &c.SourceSSH },
		Usage: "reach the source by SSH through `BASTION`, user@host or user@host:port: its URL names the host as it is seen from there",
	},
	{
		Name: "target-ssh", Kind: Text, Holder: "BASTION", ref: func(c *Config) any { return &c.TargetSSH },
		Usage: "reach the target by SSH through `BASTION`",
	},
	{
		Name: "source-ssh-key", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.SourceSSHKey },
		Usage: "log in to the source's bastion by the private key in `FILE`, beside those of the agent (SSH_AUTH_SOCK)",
	},
	{
		Name: "target-ssh-key", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.TargetSSHKey },
		Usage: "log in to the target's bastion by the private key in `FILE`",
	},
	{
		Name: "source-ssh-passphrase-command", Kind: Text, Holder: "COMMAND", ref: func(c *Config) any { return &c.SourceSSHPassphraseCommand },
		Usage: "run `COMMAND` by the shell, and take the passphrase of the source's key from its first line",
	},
	{
		Name: "target-ssh-passphrase-command", Kind: Text, Holder: "COMMAND", ref: func(c *Config) any { return &c.TargetSSHPassphraseCommand },
		Usage: "run `COMMAND` by the shell, and take the passphrase of the target's key from its first line",
	},
	{
		Name: "ssh-known-hosts", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.SSHKnownHosts },
		Usage: "look bastions' host keys up in `FILE`, not in ~/.ssh/known_hosts; they are always checked",
	},
	{
		Name: "include-table", Kind: List, Holder: "PATTERN", ref: func(c *Config) any { return &c.IncludeTables },
		Usage: "only tables that match `PATTERN`: table or schema.table with * and ?, or /regex/; quote odd names as in SQL; may be repeated",
	},
	{
		Name: "exclude-table", Kind: List, Holder: "PATTERN", ref: func(c *Config) any { return &c.ExcludeTables },
		Usage: "no table that matches `PATTERN`; may be repeated",
	},
	{
		Name: "include-schema", Kind: List, Holder: "PATTERN", ref: func(c *Config) any { return &c.IncludeSchemas },
		Usage: "only schemas that match `PATTERN`; may be repeated",
	},
	{
		Name: "exclude-schema", Kind: List, Holder: "PATTERN", ref: func(c *Config) any { return &c.ExcludeSchemas },
		Usage: "no schema that matches `PATTERN`; may be repeated",
	},
	{
		Name: "mapping", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.Mapping },
		Usage: "names, types, columns and rows that are otherwise on the target, as the YAML `FILE` says (docs/mapping.md)",
	},
	{
		Name: "exclude-column", Kind: List, Holder: "PATTERN", ref: func(c *Config) any { return &c.ExcludeColumns },
		Usage: "no column that matches `PATTERN`: column, table.column or schema.table.column with * and ?, or /regex/; may be repeated",
	},
	{
		Name: "exclude-column-keys", Kind: Text, Default: RefuseKeys, Values: []string{RefuseKeys, DropKeys}, Holder: "WHAT",
		ref:   func(c *Config) any { return &c.ExcludeColumnKeys },
		Usage: "what becomes of keys that an excluded column stands in: `WHAT` is refuse (an error) or drop (they are not carried)",
	},
	{
		Name: "exclude-table-data", Kind: List, Holder: "PATTERN", ref: func(c *Config) any { return &c.ExcludeTableData },
		Usage: "make tables that match `PATTERN`, and leave their rows behind; may be repeated",
	},
	{
		Name: "where", Kind: List, Whole: true, Holder: "TABLE=CONDITION", ref: func(c *Config) any { return &c.Rows },
		Usage: "of the tables that match the pattern only rows for which the SQL condition holds, `TABLE=CONDITION`; may be repeated",
	},
	{
		Name: "jobs", Aliases: []string{"j"}, Kind: Number, Default: "4", Holder: "N", ref: func(c *Config) any { return &c.Jobs },
		Usage: "work on `N` parts at once, each with one connection to either side",
	},
	{
		Name: "min-jobs", Kind: Number, Holder: "N", ref: func(c *Config) any { return &c.MinJobs },
		Usage: "where the number of jobs follows what the target takes: `N` at least (1, unless it is given)",
	},
	{
		Name: "max-jobs", Kind: Number, Holder: "N", ref: func(c *Config) any { return &c.MaxJobs },
		Usage: "let the number of jobs grow up to `N` while that is faster, and fall on refused connections, errors and late answers (10 under profile db9, unless --jobs is given; else it is fixed)",
	},
	{
		Name: "max-rate", Kind: Text, Holder: "RATE", ref: func(c *Config) any { return &c.MaxRate },
		Usage: "read rows from the source at no more than `RATE` over all jobs: 10MB is ten million bytes of COPY TEXT a second; verify holds to it on either side",
	},
	{
		Name: "source-max-connections", Kind: Number, Holder: "N", ref: func(c *Config) any { return &c.SourceMaxConnections },
		Usage: "open no more than `N` connections to the source: fewer jobs and larger groups of locks are used where it is tight",
	},
	{
		Name: "max-lag-bytes", Kind: Text, Holder: "SIZE", ref: func(c *Config) any { return &c.MaxLagBytes },
		Usage: "pause reading while a replica of the source is more than `SIZE` (64MB) of WAL behind",
	},
	{
		Name: "max-active", Kind: Number, Holder: "N", ref: func(c *Config) any { return &c.MaxActive },
		Usage: "pause reading while more than `N` sessions of others are active on the source's server",
	},
	{
		Name: "max-transaction", Kind: Number, Holder: "SECONDS", ref: func(c *Config) any { return &c.MaxTransaction },
		Usage: "pause reading while another session's transaction on the source's server is older than `SECONDS`",
	},
	{
		Name: "yield-locks", Kind: Number, Holder: "SECONDS", ref: func(c *Config) any { return &c.YieldLocks },
		Usage: "give table locks on the source back when another session has waited for ACCESS EXCLUSIVE for `SECONDS`; a table that it changes before it was read fails",
	},
	{
		Name: "split-by", Kind: Text, Default: SplitAuto, Values: []string{SplitAuto, SplitCtid, SplitKey, SplitNone}, Holder: "WHAT",
		ref:   func(c *Config) any { return &c.SplitBy },
		Usage: "cut large tables by `WHAT`: ctid (blocks), key (ranges of a unique key), none, or auto: blocks, and keys where the source cannot read blocks apart (13, tables that are no heap)",
	},
	{
		Name: "format", Kind: Text, Default: FormatText, Values: []string{FormatText, FormatBinary}, Holder: "FORMAT",
		ref:   func(c *Config) any { return &c.Format },
		Usage: "send rows as COPY `FORMAT`: text, or binary between two PostgreSQL of one major: less work for both servers, but what was sent has no digest, so that verification reads the source once more",
	},
	{
		Name: "retry-for", Kind: Number, Default: "300", Holder: "SECONDS", ref: func(c *Config) any { return &c.RetryFor },
		Usage: "try a server that is away again for `SECONDS` without any progress, before giving up what was being done",
	},
	{
		Name: "profile", Kind: Text, Default: ProfileAuto, Holder: "NAME", ref: func(c *Config) any { return &c.Profile },
		Usage: "what the target accepts: `NAME` is auto (asks the target), db9, postgres, or a YAML file",
	},
	{
		Name: "primary-key", Kind: Text, Default: KeyAuto, Values: []string{KeyAuto, KeyInline, KeyAfter}, Holder: "WHERE",
		ref:   func(c *Config) any { return &c.PrimaryKey },
		Usage: "make primary keys `WHERE`: inline (in CREATE TABLE), after (the rows), or auto (as the profile says)",
	},
	{
		Name: "dry-run", Kind: Switch, ref: func(c *Config) any { return &c.DryRun },
		Usage: "print tables, sizes, statements and findings; write nothing",
	},
	{
		Name: "json", Kind: Switch, ref: func(c *Config) any { return &c.JSON },
		Usage: "print one JSON object a line on stdout, the exit object last",
	},
	{
		Name: "report", Kind: List, Holder: "FILE", ref: func(c *Config) any { return &c.Reports },
		Usage: "write a report to `FILE`.html, FILE.md or FILE.json; may be repeated",
	},
	{
		Name: "on-existing", Kind: Text, Default: Refuse, Values: []string{Refuse, Truncate, Drop}, Holder: "WHAT",
		ref:   func(c *Config) any { return &c.OnExisting },
		Usage: "what to do with objects of the plan that stand on the target already: `WHAT` is refuse, truncate or drop",
	},
	{
		Name: "resume", Kind: Switch, ref: func(c *Config) any { return &c.Resume },
		Usage: "go on with the last run of this command and source that the target's ledger (of verify also --state) knows; where it knows none, begin one",
	},
	{
		Name: "new-snapshot", Kind: Switch, ref: func(c *Config) any { return &c.NewSnapshot },
		Usage: "with --resume: take a new snapshot of the source even if that of the beginning is kept, since its rows were mended",
	},
	{
		Name: "on-changed", Kind: Text, Default: Reconcile, Values: []string{Reconcile, Reload, StopThere}, Holder: "WHAT",
		ref:   func(c *Config) any { return &c.OnChanged },
		Usage: "with --resume, when the snapshot is gone: tables that differ from the source of now are `WHAT`: reconcile (the rows that differ are sent), reload, or stop (an error before anything is written)",
	},
	{
		Name: "redo", Kind: List, Holder: "PATTERN", ref: func(c *Config) any { return &c.Redo },
		Usage: "with --resume: empty tables that match `PATTERN` and load them anew; may be repeated",
	},
	{
		Name: "skip", Kind: List, Holder: "PATTERN", ref: func(c *Config) any { return &c.Skip },
		Usage: "with --resume: leave tables that match `PATTERN` as they are; the run stays partial; may be repeated",
	},
	{
		Name: "retry-failed", Kind: Switch, ref: func(c *Config) any { return &c.RetryFailed },
		Usage: "with --resume: take up only what failed, and leave what was broken off or not begun; the run stays partial while that is left",
	},
	{
		Name: "keep-snapshot", Kind: Number, Default: "1800", Holder: "SECONDS", ref: func(c *Config) any { return &c.KeepSnapshot },
		Usage: "have a process of its own keep the snapshot for `SECONDS` after a crash, for --resume; 0 is none",
	},
	{
		Name: "max-snapshot-age", Kind: Number, Default: "604800", Holder: "SECONDS", ref: func(c *Config) any { return &c.MaxSnapshotAge },
		Usage: "end the process that keeps the snapshot when it is `SECONDS` old: an old snapshot keeps the source from cleaning up; 0 is no bound",
	},
	{
		Name: "snapshot", Kind: Text, Holder: "NAME", ref: func(c *Config) any { return &c.Snapshot },
		Usage: "the exported snapshot `NAME` to hold",
	},
	{
		Name: "group", Kind: Text, Holder: "NAME", ref: func(c *Config) any { return &c.Group },
		Usage: "of the job file, the tables of this group `NAME` alone",
	},
	{
		Name: "listen", Kind: Text, Default: "127.0.0.1:9187", Holder: "ADDRESS", ref: func(c *Config) any { return &c.Listen },
		Usage: "answer at /healthz of `ADDRESS`, host:port; port 0 is any that is free; none answers nowhere",
	},
	{
		Name: "metrics", Kind: Switch, ref: func(c *Config) any { return &c.Metrics },
		Usage: "answer at /metrics of the same address too, for Prometheus",
	},
	{
		Name: "limit", Kind: Number, Default: "20", Holder: "N", ref: func(c *Config) any { return &c.Limit },
		Usage: "show the last `N` runs of tables; 0 shows all",
	},
	{
		Name: "schedule", Kind: Text, Default: "*/15 * * * *", Holder: "CRON", ref: func(c *Config) any { return &c.Schedule },
		Usage: "when groups and tables run, as a cron line: `CRON` has five fields, or is @hourly, @daily and the like",
	},
	{
		Name: "timezone", Kind: Text, Default: "UTC", Holder: "ZONE", ref: func(c *Config) any { return &c.Timezone },
		Usage: "by whose clock that is: `ZONE` is a name such as Europe/Berlin",
	},
	{
		Name: "run", Kind: Text, Holder: "ID", ref: func(c *Config) any { return &c.Run },
		Usage: "the run with this `ID`; without it rejects export takes the last one with refused rows, status and clean all",
	},
	{
		Name: "on-row-error", Kind: Text, Default: RowTable, Values: []string{RowStop, RowTable, RowReject}, Holder: "WHAT",
		ref:   func(c *Config) any { return &c.OnRowError },
		Usage: "what to do with a row that the target refuses: `WHAT` is stop (the run), table (its table fails, others go on) or reject (it is kept apart, all others are loaded)",
	},
	{
		Name: "max-rejects", Kind: Number, Default: "1000", Holder: "N", ref: func(c *Config) any { return &c.MaxRejects },
		Usage: "keep at most `N` refused rows of the run apart; beyond, the table fails",
	},
	{
		Name: "rejects-dir", Kind: Text, Holder: "DIR", ref: func(c *Config) any { return &c.RejectsDir },
		Usage: "write refused rows to files in `DIR`, one a table; without it to pg2db9-rejects-RUN",
	},
	{
		Name: "rejects-ok", Kind: Switch, ref: func(c *Config) any { return &c.RejectsOK },
		Usage: "refused rows that are kept apart do not alter the exit code; without it, it is 5",
	},
	{
		Name: "dir", Kind: Text, Holder: "DIR", ref: func(c *Config) any { return &c.Dir },
		Usage: "write the files to `DIR`, which is made where it is missing",
	},
	{
		Name: "skip-verify", Kind: Switch, ref: func(c *Config) any { return &c.SkipVerify },
		Usage: "do not read the target back; the run ends as copied, not verified",
	},
	{
		Name: "accept", Kind: List, Holder: "CODE[:OBJECT]", ref: func(c *Config) any { return &c.Accept },
		Usage: "go on in spite of a blocking finding, `CODE[:OBJECT]`: what it is about is not carried; may be repeated",
	},
	{
		Name: "roles", Kind: Switch, ref: func(c *Config) any { return &c.Roles },
		Usage: "create the roles that the target lacks, without passwords, with their memberships; never a provider's, nor superusers",
	},
	{
		Name: "owners", Kind: Switch, ref: func(c *Config) any { return &c.Owners },
		Usage: "give each object to the role that it belongs to at the source",
	},
	{
		Name: "privileges", Kind: Switch, ref: func(c *Config) any { return &c.Privileges },
		Usage: "grant and revoke what differs from the defaults at the source, default privileges too",
	},
	{
		Name: "policies", Kind: Switch, ref: func(c *Config) any { return &c.Policies },
		Usage: "create row security and policies on a DB9 that was seen to enforce them; a PostgreSQL always gets them",
	},
	{
		Name: "no-comments", Kind: Switch, ref: func(c *Config) any { return &c.NoComments },
		Usage: "set no comments",
	},
	{
		Name: "log-level", Kind: Text, Default: "warn", Values: []string{"debug", "info", "warn", "error"}, Holder: "LEVEL",
		ref:   func(c *Config) any { return &c.LogLevel },
		Usage: "log to stderr from `LEVEL` up: debug, info, warn or error",
	},
	{
		Name: "log-file", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.LogFile },
		Usage: "append what happens to `FILE`, one JSON object a line, from --log-level up where it is given, else from info",
	},
	{
		Name: "no-progress", Kind: Switch, ref: func(c *Config) any { return &c.NoProgress },
		Usage: "print no bars and no progress lines",
	},
	{
		Name: "apply", Kind: Text, Holder: "PHASE", ref: func(c *Config) any { return &c.Apply },
		Usage: "execute the statements of `PHASE` on the target: a phase's name, pre-data, post-data or all",
	},
	{
		Name: "left-behind", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.LeftBehind },
		Usage: "write the original definitions of all that is not carried, or not as it is, to `FILE`.sql, with the reasons as comments",
	},
	{
		Name: "all-databases", Kind: Switch, ref: func(c *Config) any { return &c.AllDatabases },
		Usage: "assess every database of the source's server, each in its own section of one report",
	},
	{
		Name: "scan-data", Kind: Text, Values: []string{"sample", "full"}, Holder: "MODE", ref: func(c *Config) any { return &c.ScanData },
		Usage: "look at the source's rows for what would change or fail: `MODE` is sample (some rows of each large table, estimated) or full",
	},
	{
		Name: "scan-rows", Kind: Number, Default: "100000", Holder: "N", ref: func(c *Config) any { return &c.ScanRows },
		Usage: "rows of a table that a sample looks at: about `N`",
	},
	{
		Name: "scan-rate", Kind: Text, Holder: "RATE", ref: func(c *Config) any { return &c.ScanRate },
		Usage: "scan no more than `RATE` of the source: 20MB/s, or 50000rows/s",
	},
	{
		Name: "set", Kind: Switch, ref: func(c *Config) any { return &c.Set },
		Usage: "give the target's sequences the source's positions",
	},
	{
		Name: "behaviour", Aliases: []string{"behavior"}, Kind: Switch, ref: func(c *Config) any { return &c.Behaviour },
		Usage: "try what the target does, in transactions that are rolled back: that keys and checks refuse what they must, that defaults fill columns, that indexes find rows, that views and routines answer",
	},
	{
		Name: "margin", Kind: Number, Holder: "N", ref: func(c *Config) any { return &c.Margin },
		Usage: "with --set: leave `N` values of each sequence out, for what the source may still hand out; its bounds end it",
	},
	{
		Name: "probe", Kind: Text, Default: ProbeAuto, Values: []string{ProbeAuto, ProbeAlways, ProbeNever}, Holder: "WHEN",
		ref:   func(c *Config) any { return &c.Probe },
		Usage: "ask the target what it can do: `WHEN` is auto (a DB9, once in 24 hours, unless the profile is a file), always (anew) or never",
	},
	{
		Name: "call-routines", Kind: Text, Default: ProbeAuto, Values: []string{ProbeAuto, ProbeAlways, ProbeNever}, Holder: "WHEN",
		ref:   func(c *Config) any { return &c.CallRoutines },
		Usage: "call the functions that were created and are safe to call, in transactions that are rolled back: `WHEN` is auto (a DB9, which looks into bodies only then), always or never",
	},
	{
		Name: "probe-cache", Kind: Text, Holder: "DIR", ref: func(c *Config) any { return &c.ProbeCache },
		Usage: "keep what targets answered in `DIR`, not in the user's cache folder",
	},
	{
		Name: "only", Kind: List, Holder: "PROBE", ref: func(c *Config) any { return &c.OnlyProbe },
		Usage: "make no probe but `PROBE`, a number or a name, several with commas; may be repeated",
	},
	{
		Name: "skip-probe", Kind: List, Holder: "PROBE", ref: func(c *Config) any { return &c.SkipProbe },
		Usage: "do not make `PROBE`, a number or a name, several with commas: its assumption is kept; may be repeated",
	},
	{
		Name: "watch", Kind: Switch, ref: func(c *Config) any { return &c.Watch },
		Usage: "look every 2 seconds, until the newest run (or that of --run) has come to its end",
	},
	{
		Name: "level", Kind: Text, Default: LevelDigest, Values: []string{LevelSchema, LevelCounts, LevelDigest, LevelRows, LevelDeep}, Holder: "LEVEL",
		ref:   func(c *Config) any { return &c.Level },
		Usage: "how closely to look: `LEVEL` is schema (definitions), counts (and numbers of rows), digest (and contents as sums), rows (and which rows differ) or deep (every row beside its counterpart)",
	},
	{
		Name: "max-differences", Kind: Number, Default: "100", Holder: "N", ref: func(c *Config) any { return &c.MaxDifferences },
		Usage: "put the first `N` rows of each table that differ into the report; all are counted",
	},
	{
		Name: "differences", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.Differences },
		Usage: "write every row that differs to `FILE`, one JSON object a line (levels rows and deep)",
	},
	{
		Name: "show-values", Kind: Switch, ref: func(c *Config) any { return &c.ShowValues },
		Usage: "show values of differing rows whole, those of missing and extra rows too; without it 60 characters of what differs",
	},
	{
		Name: "live", Kind: Switch, ref: func(c *Config) any { return &c.Live },
		Usage: "compare while both sides are written: no snapshot is held, and rows that differ are looked at again until they are equal or --deadline passes",
	},
	{
		Name: "deadline", Kind: Text, Default: "10m", Holder: "TIME", ref: func(c *Config) any { return &c.Deadline },
		Usage: "how long --live looks at rows that differ again: `TIME` such as 90s, 10m or 2h",
	},
	{
		Name: "certificate", Kind: List, Holder: "FILE", ref: func(c *Config) any { return &c.Certificates },
		Usage: "write what was verified, sealed by a chain of hashes, to `FILE`, .json or .html; may be repeated; with --recheck the certificate to go by",
	},
	{
		Name: "recheck", Kind: Switch, ref: func(c *Config) any { return &c.Recheck },
		Usage: "with --certificate: check that the certificate was not changed, and compare the target with it; the source is not read",
	},
	{
		Name: "state", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.State },
		Usage: "keep what was verified in `FILE`, for --resume, where the target may not be written or has no ledger",
	},
	{
		Name: "execute", Kind: Switch, ref: func(c *Config) any { return &c.Execute },
		Usage: "write the rows that differ to the target; without it the statements are printed, and nothing is written",
	},
	{
		Name: "delete", Kind: Switch, ref: func(c *Config) any { return &c.Delete },
		Usage: "delete the target's rows that the source has not; without it they stay",
	},
	{
		Name: "allow-triggers", Kind: List, Holder: "TABLE", ref: func(c *Config) any { return &c.AllowTriggers },
		Usage: "let the triggers and rules of the target's `TABLE` act on the rows that are written; may be repeated",
	},
	{
		Name: "yes", Kind: Switch, ref: func(c *Config) any { return &c.Yes },
		Usage: "remove what is shown (clean), or write more than 10 GB (bench), without a question",
	},
}

// Options returns all options, or those with the names, in the names' order.
func Options(names ...string) []Option {
	if len(names) == 0 {
		return slices.Clone(options)
	}
	out := make([]Option, 0, len(names))
	for _, n := range names {
		if o, ok := lookup(n); ok {
			out = append(out, o)
		}
	}
	return out
}

func lookup(name string) (Option, bool) {
	if o, ok := variants[name]; ok {
		return o, true
	}
	for _, o := range options {
		if o.Name == name {
			return o, true
		}
	}
	return Option{}, false
}

// put parses values and stores them. A list takes all values, any other kind the last.
func (o Option) put(c *Config, values []string) error {
	last := values[len(values)-1]
	if len(o.Values) > 0 && !slices.Contains(o.Values, last) {
		return fmt.Errorf("must be one of %s, not %q", strings.Join(o.Values, ", "), last)
	}
	switch p := o.ref(c).(type) {
	case *string:
		*p = last
	case *Secret:
		*p = Secret(last)
	case *[]string:
		if slices.Contains(values, "") {
			return fmt.Errorf("an empty value says nothing")
		}
		*p = slices.Clone(values)
	case *int:
		n, err := strconv.Atoi(last)
		if err != nil {
			return fmt.Errorf("must be a whole number, not %q", last)
		}
		*p = n
	case *bool:
		b, err := strconv.ParseBool(last)
		if err != nil {
			return fmt.Errorf("must be true or false, not %q", last)
		}
		*p = b
	default:
		panic("config: option " + o.Name + " has a field of no known kind") // a mistake in the table above
	}
	return nil
}
