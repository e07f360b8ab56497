package lint
// FROM golang
