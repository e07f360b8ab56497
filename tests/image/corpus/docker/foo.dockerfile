FROM redis:7
