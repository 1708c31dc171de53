set fish_greeting
