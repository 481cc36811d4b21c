-- SPDX-License-Identifier: MIT
--
-- For docs/html.sh: links to pages lead to their HTML, names of manual pages become links, and
-- links to folders of the source, which is not there, become text.

local top = ""

local function read_top(meta)
	top = pandoc.utils.stringify(meta.top or "")
	return meta
end

local function change_link(link)
	if link.target:match("^%a+:") then
		return link
	end
	if link.target:match("/$") then
		return link.content
	end
	link.target = link.target:gsub("%.md$", ".html"):gsub("%.md#", ".html#")
	return link
end

local function link_to_page(name, section, shown)
	return pandoc.Link(shown, top .. "man/" .. name .. "." .. section .. ".html")
end

-- In the pages, "sealpool-run(1)," is one word.
local function link_word(word)
	local name, section, rest = word.text:match("^(sealpool[%l-]*)%((%d)%)(%p*)$")
	if name == nil then
		return word
	end
	return { link_to_page(name, section, name .. "(" .. section .. ")"), pandoc.Str(rest) }
end

-- In manual pages, the name is bold and the rest follows.
local function link_bold(inlines)
	for i = 1, #inlines - 1 do
		local name = inlines[i].t == "Strong" and pandoc.utils.stringify(inlines[i]) or ""
		local section = inlines[i + 1].t == "Str" and inlines[i + 1].text:match("^%((%d)%)")
		if name:match("^sealpool[%l-]*$") and section then
			inlines[i] = link_to_page(name, section, { inlines[i] })
		end
	end
	return inlines
end

return {
	{ Meta = read_top },
	{ Inlines = link_bold },
	{ Link = change_link, Str = link_word },
}
