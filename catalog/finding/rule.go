package finding

// Rule documents one code: how much it asks of the user as a rule, when it is
// found, and what can be done. docs/findings.md is made of the rules of all
// packages.
type Rule struct {
	Code     Code
	Severity Severity
	Reason   string
	Remedy   string
}
