PATH=/bin
