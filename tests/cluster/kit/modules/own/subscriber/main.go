// Subscriber takes CloudEvents, answers each as the event itself asks, and lists what came.
//
// The extension "answers" lists status codes with dots between, one for each delivery of the event, the last for all that follow; with
// "reply" a success carries an event of that type. PUT / with "closed" answers 503 to everything until "open".
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

type delivery struct {
	At       float64           `json:"at"`
	Path     string            `json:"path"`
	Event    map[string]string `json:"event"`
	Answered int               `json:"answered"`
}

type subscriber struct {
	lock       sync.Mutex
	closed     bool
	deliveries []delivery
}

func main() {
	log.Fatal(http.ListenAndServe(":8080", &subscriber{deliveries: []delivery{}}))
}

func (s *subscriber) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	s.lock.Lock()
	defer s.lock.Unlock()
	switch request.Method {
	case http.MethodGet:
		json.NewEncoder(answer).Encode(s.deliveries)
	case http.MethodPut:
		word, _ := io.ReadAll(request.Body)
		s.closed = string(word) == "closed"
	default:
		s.take(answer, request)
	}
}

func (s *subscriber) take(answer http.ResponseWriter, request *http.Request) {
	event := map[string]string{}
	for name := range request.Header {
		if attribute, is := strings.CutPrefix(strings.ToLower(name), "ce-"); is {
			event[attribute] = request.Header.Get(name)
		}
	}
	status := s.status(event, request.URL.Path)
	now := float64(time.Now().UnixMilli()) / 1000
	s.deliveries = append(s.deliveries, delivery{At: now, Path: request.URL.Path, Event: event, Answered: status})
	if event["reply"] != "" && status < 300 {
		answer.Header().Set("ce-specversion", "1.0")
		answer.Header().Set("ce-id", event["id"]+"-reply")
		answer.Header().Set("ce-source", "/subscriber")
		answer.Header().Set("ce-type", event["reply"])
		status = http.StatusOK
	}
	answer.WriteHeader(status)
}

// status is the answer to the delivery of this event that comes now: every path is a subscriber of its own.
func (s *subscriber) status(event map[string]string, path string) int {
	if s.closed {
		return http.StatusServiceUnavailable
	}
	if event["answers"] == "" || path == "/dead" {
		return http.StatusAccepted
	}
	before := 0
	for _, earlier := range s.deliveries {
		if earlier.Event["id"] == event["id"] && earlier.Path == path {
			before++
		}
	}
	codes := strings.Split(event["answers"], ".")
	code, err := strconv.Atoi(codes[min(before, len(codes)-1)])
	if err != nil {
		return http.StatusBadRequest
	}
	return code
}
