#!/bin/sh
set -eu
mkdir -p ~/.config
cp ~/dots/inputrc ~/.config/inputrc
