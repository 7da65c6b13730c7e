package model

func init() { register("falcon_mamba", falconMamba) }

// falconMamba is Falcon Mamba (arXiv 2410.05355): Mamba with norms without weights on δ, B and C.
func falconMamba(c *Config) *Spec {
	s := mamba(c)
	for i := range s.Layers {
		s.Layers[i].Mixer.(*Mamba).Norm = Norm{Kind: RMSNorm, Eps: c.FloatOr("mixer_rms_eps", 1e-6)}
	}
	return s
}
