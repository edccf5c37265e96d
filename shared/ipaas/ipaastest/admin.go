package ipaastest

import "net/http"

func (s *Simulator) adminHandler() http.Handler { return http.NotFoundHandler() }
