#!/bin/sh
# no daemon starts because its package is installed
exit 101
