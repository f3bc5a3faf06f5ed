package dial

// Application is the name by which the endpoint's sessions can be told on the
// server: application_name, the user's own where the URL sets one.
func (e *Endpoint) Application() string { return e.cfg.RuntimeParams[applicationName] }

// WithApplication returns an endpoint whose sessions have another name.
func (e *Endpoint) WithApplication(name string) *Endpoint {
	other := *e
	other.cfg = e.cfg.Copy()
	other.cfg.RuntimeParams[applicationName], other.application = name, name
	return &other
}

const applicationName = "application_name"
