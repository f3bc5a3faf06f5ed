package guide

import (
	"fmt"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/provider"
)

// State is how far a move has come.
type State int

// The states. Only Verified lets the application switch.
const (
	Undone     State = iota // stopped, failed, or partly done
	Different               // verification found differences
	Unverified              // copied, and nobody looked
	Verified                // the target was read back, and is what the source was
)

// Ending is what a report of a run ends with: whether the application may
// switch, and what is to be done around it. It holds no secret.
type Ending struct {
	Ready       bool     `json:"ready"`      // verified: the application may switch
	Headline    string   `json:"headline"`   // says so, or what is in the way
	Before      []Advice `json:"before"`     // to be done before the switch
	Connection  string   `json:"connection"` // the new connection string, its password as ***
	Application []Advice `json:"application"`
	Close       []Advice `json:"close"` // what to close and revoke afterwards
	WayBack     []Advice `json:"way_back"`
}

// Run is what an ending is made from.
type Run struct {
	State    State
	Next     []string  // commands that continue
	Verify   string    // the command that verifies
	Taken    time.Time // of the snapshot; zero: none was taken
	DB9      bool      // the target is one, or the profile says so
	StandIn  bool      // nothing is proved for a DB9, whatever was verified
	Unproven int       // tables that the user let pass without a proof
	Findings []finding.Finding

	Source, Target Server
	Provider       provider.Name // of the source
	Superuser      bool          // the source's role is one: nothing was granted to it
	Standby        bool
}

// Server is one side.
type Server struct {
	URL       string // password as ***
	Role      string
	Bastion   string // "" for none
	Commands  bool   // commands gave the secret
	Plaintext bool
}

// End makes the ending.
func End(r Run) *Ending {
	e := &Ending{Ready: r.State == Verified && !r.StandIn, Connection: r.Target.URL, Before: r.before(), Application: []Advice{}, Close: r.closing(), WayBack: WayBack(r.DB9)}
	switch {
	case e.Ready && r.Unproven == 0:
		e.Headline = "The target is verified: the application may switch to it."
	case e.Ready:
		e.Headline = fmt.Sprintf("The target is verified, but for %d tables whose proof you gave up: the application may switch to it.", r.Unproven)
	case r.State == Verified:
		e.Headline = "The target was verified, and it stands in for a DB9: do not switch to it. Nothing here is proved for a real one."
	case r.State == Different:
		e.Headline = "Do not switch: the target differs from the source."
	case r.State == Unverified:
		e.Headline = "Do not switch yet: the rows were copied, and nobody has looked whether they arrived."
	case r.State == Undone:
		e.Headline = "Do not switch: the copy is not complete."
	}
	if r.DB9 {
		e.Application = append(Application([]Found{{Findings: r.Findings}}), Advice{
			ID: "uses", Title: "What only the application knows",
			Text: "pg2db9 assess names the routines and settings that use SERIALIZABLE, LISTEN and NOTIFY, and advisory locks; what the application does itself no catalog shows.",
		})
	} else {
		e.Application = append(e.Application, Advice{ID: "connection", Title: "New connection string", Text: "Name the new server wherever the old one is named: the application, its jobs, its monitoring and its backups."})
	}
	if about, ok := provider.Of(r.Provider); ok {
		e.Application = append(e.Application, Advice{ID: "provider", Title: "What was " + string(r.Provider) + "'s", Text: "Take out " + about.Switch + "."})
	}
	return e
}

// before is what must be done first.
func (r Run) before() []Advice {
	out := []Advice{}
	add := func(id, title, format string, args ...any) {
		out = append(out, Advice{ID: id, Title: title, Text: fmt.Sprintf(format, args...)})
	}
	switch r.State {
	case Undone:
		if len(r.Next) > 0 {
			add("continue", "Continue the run", "%s", strings.Join(r.Next, "; then: "))
		} else {
			add("continue", "Run it again", "The message says what was in the way.")
		}
	case Different:
		add("differences", "Settle the differences", "The report names the tables and sequences. Where the source was written to during the run the two may differ for that alone: load those tables anew while nothing writes.")
	case Unverified:
		add("verify", "Verify", "%s", r.Verify)
	case Verified:
	}
	if r.StandIn {
		add("real", "Use a real DB9", "Run it again with the DB9's own connection string.")
	}
	if !r.Taken.IsZero() {
		add("writes", "Writes since the snapshot", "The target shows the source as it was at %s. What was written to the source after that is not on the target: if anything was, stop the application, and run the clone again before the switch.",
			r.Taken.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if r.DB9 {
		add("branch", "Keep a way back", "db9 branch create NAME --name before-switch, before the application writes to the target.")
	}
	return out
}

// closing is what to close and revoke when the move is over.
func (r Run) closing() []Advice {
	out := []Advice{}
	add := func(id, title, format string, args ...any) {
		out = append(out, Advice{ID: id, Title: title, Text: fmt.Sprintf(format, args...)})
	}
	if r.Source.Role != "" {
		if r.Superuser {
			add("role", "The source's role", "Role %s is a superuser: if it was made for the move, DROP ROLE it; else change its password where this machine has kept it.", r.Source.Role)
		} else {
			add("role", "The source's role", "What was granted to role %s for the move (GRANT SELECT, GRANT USAGE, membership in owners, BYPASSRLS): REVOKE it, or DROP OWNED BY and DROP ROLE where the role was made for the move.", r.Source.Role)
		}
	}
	if about, ok := provider.Of(r.Provider); ok {
		add("access", "Access at "+string(r.Provider), "Close or revoke %s.", about.Revoke)
	} else {
		add("access", "Access to the source", "Close what was opened for the move: public access, firewall rules, the line of pg_hba.conf.")
	}
	for _, s := range []struct {
		name   string
		server Server
	}{{"source", r.Source}, {"target", r.Target}} {
		if s.server.Bastion != "" {
			add("ssh-"+s.name, "The SSH tunnel to the "+s.name, "Take the key that was made for the move out of authorized_keys at %s, and close the bastion's port where it was opened for it.", s.server.Bastion)
		}
		if s.server.Commands {
			add("secrets-"+s.name, "The "+s.name+"'s secrets", "Revoke the tokens and keys that the command for the %s's secret used.", s.name)
		}
		if s.server.Plaintext {
			add("plaintext-"+s.name, "The "+s.name+"'s password", "It went over the network unencrypted: change it.")
		}
	}
	if r.Standby {
		add("standby", "The standby's settings", "Set hot_standby_feedback and max_standby_streaming_delay back where they were changed for the move.")
	}
	add("ledger", "pg2db9's ledger", "Schema _pg2db9 on the target keeps what was loaded: pg2db9 clean removes it when no run is to be continued.")
	return out
}
