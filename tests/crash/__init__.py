"""The program dies at every request it makes, and loses every answer: nothing is made twice."""
