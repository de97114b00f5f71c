// Acmedns takes TXT records in the way of acme-dns, which cert-manager can speak, and gives them to pebble's test
// DNS server: all of them under one name, to which every _acme-challenge is an alias.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"
)

type update struct {
	Subdomain string `json:"subdomain"`
	Text      string `json:"txt"`
}

type record struct {
	Host  string `json:"host"`
	Value string `json:"value"`
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: acmedns <management address of the DNS server> <name of the TXT records>")
	}
	client := &http.Client{Timeout: 5 * time.Second}
	http.HandleFunc("POST /update", func(answer http.ResponseWriter, request *http.Request) {
		var wanted update
		if err := json.NewDecoder(request.Body).Decode(&wanted); err != nil || wanted.Text == "" {
			http.Error(answer, "an update needs a txt", http.StatusBadRequest)
			return
		}
		body, err := json.Marshal(record{Host: os.Args[2], Value: wanted.Text})
		if err != nil {
			http.Error(answer, err.Error(), http.StatusInternalServerError)
			return
		}
		set, err := client.Post("http://"+os.Args[1]+"/set-txt", "application/json", bytes.NewReader(body))
		if err != nil || set.StatusCode != http.StatusOK {
			http.Error(answer, "the DNS server does not take it", http.StatusBadGateway)
			return
		}
		set.Body.Close()
		answer.Header().Set("Content-Type", "application/json")
		json.NewEncoder(answer).Encode(map[string]string{"txt": wanted.Text})
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
