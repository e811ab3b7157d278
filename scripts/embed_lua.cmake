# SPDX-License-Identifier: Apache-2.0
# Writes OUT: the Lua files in FILES as byte arrays, listed in embedded_lua[] (declared in src/policy/policy_embedded.h).
set(text "#include \"policy/policy_embedded.h\"\n\n")
set(rows "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER "bytes_${name}" symbol)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND text "static const unsigned char ${symbol}[] = {${bytes}0x00};\n")
  string(APPEND rows "    {\"${name}\", (const char *)${symbol}, sizeof(${symbol}) - 1},\n")
endforeach()
string(APPEND text "\nconst struct embedded_file embedded_lua[] = {\n${rows}    {0, 0, 0},\n};\n")
file(WRITE ${OUT} "${text}")
